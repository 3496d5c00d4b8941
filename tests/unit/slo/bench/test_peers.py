"""The contest's arithmetic."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest

from slo.bench.drain_run import DrainRun
from slo.bench.peers.comparison import ContestResult
from slo.bench.peers.latency import LatencyResult, LatencyRun, LoadShape
from slo.latency.figures import LatencyFigures
from slo.verdict import Verdict
from tests.unit.slo.bench.test_capacity import MACHINE


def _run(name: str, rate: float, wrong: int = 0) -> DrainRun:
    return DrainRun(name, round(rate * 10), 10.0, 5.0, wrong, 10**8)


def _load(name: str, p99: float | None, behind: str = "", wrong: int | None = 0) -> LatencyRun:
    """50,000 events, of which half came within 100 ms."""
    found = LatencyFigures(50_000, 0 if p99 else 9_000, 0, 0.1, p99, p99 and p99 + 0.1, p99 and p99 + 0.2)
    return LatencyRun(name, found, behind, 0.0, 5_000.0, 0.001, 0.06, wrong)


def _result(*runs: DrainRun, loads: Sequence[LatencyRun] = ()) -> ContestResult:
    names = dict.fromkeys((run.contender for run in runs), 1_000_000)
    latency = LatencyResult(LoadShape(5_000.0, 10.0, 30.0), loads) if loads else None
    return ContestResult(names, runs, MACHINE, latency)


def test_ratios_are_of_medians() -> None:
    """Of three runs each the middle one."""
    rates = {"adctr": (500, 600, 100), "quix": (50, 40, 45)}
    result = _result(*(_run(name, rate) for name, of in rates.items() for rate in of))
    assert result.ratios() == pytest.approx({"quix": 500 / 45})
    assert result.median("quix", "events_per_cpu_second") == pytest.approx(90)
    assert result.verdict().verdict is Verdict.PASS


def test_the_pipeline_must_be_ahead_of_everybody() -> None:
    result = _result(_run("adctr", 500), _run("loop", 501), _run("quix", 50))
    assert [each.verdict for each in result.verdict().objectives] == [Verdict.PASS, Verdict.FAIL, Verdict.PASS]


def test_a_wrong_count_voids_the_comparison() -> None:
    result = _result(_run("adctr", 500), _run("loop", 100, wrong=1))
    assert [each.verdict for each in result.verdict().objectives] == [Verdict.FAIL, Verdict.INCONCLUSIVE]


def test_without_the_pipeline_there_is_nothing_to_be_ahead_of() -> None:
    assert _result(_run("loop", 500)).ratios() == {}


def test_the_json_has_every_run() -> None:
    report = json.loads(json.dumps(_result(_run("adctr", 500), _run("loop", 100)).as_json(), allow_nan=False))
    assert [run["events_per_second"] for run in report["runs"]] == [500, 100]
    assert report["ratios"] == {"loop": 5.0}
    assert report["runs"][0]["peak_memory_bytes"] == 10**8
    assert report["runs"][0]["exact"] is True
    assert report["latency"] is None


def test_the_json_has_every_load_and_medians_of_their_percentiles() -> None:
    """Of one load that fell behind so far that its p99 was never seen, no median is fair."""
    loads = [_load("adctr", 0.3), _load("quix", None, "lag grew", None), _load("adctr", 0.5), _load("quix", 0.7)]
    result = _result(_run("adctr", 500), _run("quix", 100), loads=loads)
    found = json.loads(json.dumps(result.as_json(), allow_nan=False))["latency"]
    assert (found["rate"], found["seconds"], found["warm_up_seconds"]) == (5_000, 30, 10)
    assert found["medians"]["adctr"] == pytest.approx({"p50": 0.1, "p99": 0.4, "max": 0.6})
    assert found["medians"]["quix"]["p99"] is None
    assert [run["kept_up"] for run in found["runs"]] == [True, False, True, True]
    assert result.verdict().verdict is Verdict.PASS


def test_a_count_that_is_wrong_after_a_load_fails_the_contest() -> None:
    result = _result(_run("adctr", 500), _run("quix", 100), loads=[_load("quix", 0.3, wrong=2)])
    assert [each.verdict for each in result.verdict().objectives] == [Verdict.FAIL, Verdict.INCONCLUSIVE]


def test_an_event_that_the_pipeline_never_showed_fails_the_contest() -> None:
    """A contender may lose what it likes; ours may not."""
    runs = (_run("adctr", 500), _run("quix", 100))
    lossy = replace(_load("adctr", 0.3), event_to_redis=replace(_load("adctr", 0.3).event_to_redis, unseen=1))
    verdict = _result(*runs, loads=[lossy, _load("quix", 0.3)]).verdict()
    assert {each.name: each.verdict for each in verdict.objectives}["every_event_seen"] is Verdict.FAIL
    others = replace(_load("quix", 0.3), event_to_redis=replace(_load("quix", 0.3).event_to_redis, unseen=1))
    assert _result(*runs, loads=[_load("adctr", 0.3), others]).verdict().verdict is Verdict.PASS
