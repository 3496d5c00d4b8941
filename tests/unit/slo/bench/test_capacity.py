"""What is said of a trial, and of a search."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from slo.bench.capacity import CapacityResult, Trial, outcome_of
from slo.bench.capacity_search import Capacity, Outcome, Phase
from slo.bench.host import Machine, cpu_model
from slo.check import LoadSummary
from slo.latency.figures import LatencyFigures, Spread
from slo.verdict import ObjectiveResult, RunVerdict, Verdict

MACHINE = Machine(2, 24 * 2**30, "a processor", "Linux 6", "3.11.9", "2026-11-25 02:00 UTC")


def _load(delay: float | None = 0.02, rate: float = 20_000, failed: int = 0) -> LoadSummary:
    return LoadSummary(Path("ledger"), 1_000_000, 1_000_000 - failed, failed, rate, Spread(0.001, delay, 0.3))


def _verdict(verdict: Verdict) -> RunVerdict:
    return RunVerdict.of([ObjectiveResult("event_to_redis", verdict, 0.5, 1.0, "ratio", 10, reason="so it was")])


@pytest.mark.parametrize(
    ("load", "verdict", "slope", "outcome"),
    [
        (_load(), Verdict.PASS, 100.0, Outcome.HELD),
        (_load(), Verdict.PASS, None, Outcome.HELD),
        (_load(), Verdict.FAIL, 100.0, Outcome.BROKEN),
        (_load(), Verdict.INCONCLUSIVE, 100.0, Outcome.INCONCLUSIVE),
        (_load(), Verdict.PASS, 2_000.0, Outcome.BROKEN),
        (_load(delay=0.4), Verdict.PASS, 100.0, Outcome.INCONCLUSIVE),
        (_load(delay=0.4), Verdict.FAIL, 100.0, Outcome.INCONCLUSIVE),
        (_load(delay=0.4), Verdict.PASS, 2_000.0, Outcome.BROKEN),
        (_load(delay=None), Verdict.PASS, 100.0, Outcome.INCONCLUSIVE),
        (_load(rate=19_000), Verdict.PASS, 100.0, Outcome.INCONCLUSIVE),
        (_load(failed=1), Verdict.PASS, 100.0, Outcome.INCONCLUSIVE),
    ],
)
def test_a_late_generator_never_holds_a_rate_and_growing_lag_breaks_it(
    load: LoadSummary, verdict: Verdict, slope: float | None, outcome: Outcome
) -> None:
    found, reason = outcome_of(20_000, load, _verdict(verdict), slope, send_delay_limit=0.25)
    assert found is outcome
    assert bool(reason) is (outcome is not Outcome.HELD)


def _trial(rate: float, outcome: Outcome, p99: float | None) -> Trial:
    latency = LatencyFigures(1000, 0 if p99 else 20, 0, 0.1, p99, p99, p99)
    return Trial(rate, Phase.SEARCH, outcome, "", 60.0, rate, 0.01, 0.0, latency, latency, {"event_to_redis": "pass"})


def _result(found: Capacity, differences: int = 0) -> CapacityResult:
    trials = [
        _trial(30_000, Outcome.HELD, 0.2),
        _trial(60_000, Outcome.HELD, 0.4),
        _trial(60_000, Outcome.HELD, 0.6),
        _trial(120_000, Outcome.BROKEN, None),
        Trial(90_000, Phase.SEARCH, Outcome.BROKEN, "not drained", 60.0),
    ]
    return CapacityResult(found, trials, 5_000, differences, MACHINE)


def test_the_curve_has_medians_and_no_figure_where_events_never_came() -> None:
    points = {point["rate"]: point for point in _result(Capacity(60_000, Outcome.BROKEN)).curve()}
    assert list(points) == [30_000, 60_000, 120_000]
    assert points[60_000]["p99"] == 0.5
    assert points[60_000]["p99_spread"] == [0.4, 0.6]
    assert points[60_000]["trials"] == points[60_000]["held"] == 2
    assert points[120_000]["p99"] is None


@pytest.mark.parametrize(
    ("found", "differences", "verdict"),
    [
        (Capacity(60_000, Outcome.BROKEN), 0, Verdict.PASS),
        (Capacity(60_000, Outcome.INCONCLUSIVE), 0, Verdict.PASS),
        (Capacity(60_000, Outcome.BROKEN), 1, Verdict.FAIL),
        (Capacity(55_000, Outcome.BROKEN), 0, Verdict.FAIL),
        (Capacity(55_000, Outcome.INCONCLUSIVE), 0, Verdict.INCONCLUSIVE),
        (Capacity(55_000, None), 0, Verdict.INCONCLUSIVE),
        (Capacity(None, Outcome.BROKEN), 0, Verdict.FAIL),
    ],
)
def test_what_was_limited_by_something_else_is_no_breach(found: Capacity, differences: int, verdict: Verdict) -> None:
    """And a wrong count voids everything, and is a failure itself."""
    trials_at_half = _trial(27_500, Outcome.HELD, 0.2)
    result = _result(found, differences)
    result = CapacityResult(found, [trials_at_half, *result.trials], 5_000, differences, MACHINE)
    assert result.verdict().verdict is verdict


def test_the_latency_at_half_the_capacity_is_judged() -> None:
    """At the highest rate tried up to half of it."""
    slow = CapacityResult(Capacity(60_000, None), [_trial(30_000, Outcome.HELD, 0.31)], 5_000, 0, MACHINE)
    assert [each.verdict for each in slow.verdict().objectives] == [Verdict.PASS, Verdict.PASS, Verdict.FAIL]
    none = CapacityResult(Capacity(60_000, None), [_trial(60_000, Outcome.HELD, 0.1)], 5_000, 0, MACHINE)
    assert none.verdict().verdict is Verdict.INCONCLUSIVE


def test_the_json_keeps_its_promise() -> None:
    report = json.loads(json.dumps(_result(Capacity(60_000, Outcome.BROKEN)).as_json(), allow_nan=False))
    assert report["benchmark"] == "capacity"
    assert report["capacity_events_per_second"] == 60_000
    assert {"rate", "p50", "p99"} <= set(report["curve"][0])
    assert report["trials"][0]["phase"] == "search"


def test_the_processor_is_named() -> None:
    assert cpu_model("processor\t: 0\nmodel name\t: Some CPU @ 2.00GHz\n") == "Some CPU @ 2.00GHz"
    assert cpu_model("processor\t: 0\n") == "unknown"


@pytest.mark.parametrize(
    ("outcome", "verdict"), [(Outcome.BROKEN, Verdict.FAIL), (Outcome.INCONCLUSIVE, Verdict.INCONCLUSIVE)]
)
def test_a_trial_at_half_the_rate_that_was_not_held_is_no_pass(outcome: Outcome, verdict: Verdict) -> None:
    """However quick its p99 was."""
    trials = [_trial(30_000, outcome, 0.1), _trial(60_000, Outcome.HELD, 0.2)]
    result = CapacityResult(Capacity(60_000, Outcome.BROKEN), trials, 5_000, 0, MACHINE)
    assert result.verdict().verdict is verdict
