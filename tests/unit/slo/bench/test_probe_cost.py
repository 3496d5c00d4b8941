"""What the probes may cost."""

from __future__ import annotations

import json

import pytest

from slo.bench.probe_cost import ProbeCost
from slo.verdict import Verdict


def cost(probes: float, achieved: float = 5000.0, gone: tuple[str, ...] = ()) -> ProbeCost:
    """Beside a pipeline of 30 CPU seconds."""
    return ProbeCost(5000.0, achieved, 60.0, probes, {"kafka": 10.0, "taskmanager-live": 20.0}, gone)


@pytest.mark.parametrize(
    ("measured", "verdict"),
    [
        (cost(0.59), Verdict.PASS),
        (cost(0.60), Verdict.FAIL),
        (cost(0.30, achieved=4899.0), Verdict.INCONCLUSIVE),
        (cost(0.30, gone=("kafka",)), Verdict.INCONCLUSIVE),
    ],
)
def test_less_than_2_percent_of_the_pipeline(measured: ProbeCost, verdict: Verdict) -> None:
    assert measured.verdict().verdict is verdict


def test_json_has_every_figure() -> None:
    document = json.loads(json.dumps(cost(0.3).as_json()))
    assert {key: document[key] for key in ("verdict", "ratio", "probe_cpu_seconds")} == {
        "verdict": "pass", "ratio": 0.01, "probe_cpu_seconds": 0.3,
    }  # fmt: skip
    assert document["pipeline_cpu_seconds"] == {"kafka": 10.0, "taskmanager-live": 20.0}
