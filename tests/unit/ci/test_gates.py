"""The gates of every commit conclude in their time, with a bad second in it, and fail where they should."""

from __future__ import annotations

import numpy as np
import pytest

from slo.recording import Exactness, Floats, Recording, Series
from slo.spec.model import Indicator, Objective
from slo.spec.parse import load_bundled
from slo.verdict import ObjectiveResult, Verdict, judge_objective
from tests.bench.objectives import COMMIT_REFRESHES, COMMIT_SECONDS, OF_COMMITS, of_commits, specification

PERIODS = {
    Indicator.EVENT_TO_REDIS: 0.05,
    Indicator.EVENT_TO_POSTGRES: 0.25,
    Indicator.CACHE_READ: 0.22,
    Indicator.BENCHMARK_ROUND: 0.7,
}
"""Between samples that tell something new: polls of the stores, looks of the probe, refreshes of the dashboard."""
REFRESHES = specification().objective("commit_dashboard_refresh_cost")
GATES = [*of_commits(load_bundled()), REFRESHES]


def judged(gate: Objective, bad_bursts: int, burst_seconds: float) -> ObjectiveResult:
    """A run of a gate's length in which so many bursts were too slow."""
    period = PERIODS[gate.indicator]
    seconds = COMMIT_REFRESHES * period if gate is REFRESHES else COMMIT_SECONDS
    times: Floats = 1000.0 + np.arange(0.0, seconds, period)
    assert gate.value is not None
    values = np.full(len(times), gate.value / 2)
    for number in range(bad_bursts):
        begins = 1000.0 + (number + 0.5) * seconds / bad_bursts
        values[(times >= begins) & (times < begins + burst_seconds)] = gate.value * 2
    recording = Recording(
        1000.0, 1000.0 + seconds, {gate.indicator: Series(times, values)}, exactness=Exactness(750_000, 0)
    )
    return judge_objective(gate, recording)


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.name)
def test_a_gate_concludes_in_its_time_with_two_bad_seconds_in_it(gate: Objective) -> None:
    for bad_bursts in (0, 2):
        found = judged(gate, bad_bursts, 1.0)
        assert found.verdict is Verdict.PASS, found.reason


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.name)
@pytest.mark.parametrize("burst_seconds", [1.0, 5.0])
def test_a_gate_fails_where_a_third_is_too_slow(gate: Objective, burst_seconds: float) -> None:
    seconds = COMMIT_REFRESHES * PERIODS[gate.indicator] if gate is REFRESHES else COMMIT_SECONDS
    assert judged(gate, round(seconds / 3 / burst_seconds), burst_seconds).verdict is Verdict.FAIL


def test_the_gates_of_a_commit_have_the_limits_of_the_objectives() -> None:
    bundled = load_bundled()
    for gate in of_commits(bundled):
        whole = bundled.objective(gate.name.removeprefix("commit_"))
        assert (gate.value, gate.op, gate.indicator) == (whole.value, whole.op, whole.indicator)
        assert gate.target is not None
        assert whole.target is not None
        assert gate.target < whole.target
    assert len(of_commits(bundled)) == len(OF_COMMITS)
