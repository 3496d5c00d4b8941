"""The contest's arithmetic."""

from __future__ import annotations

import json

import pytest

from slo.bench.peers.contest import ContestResult, PeerRun
from slo.verdict import Verdict
from tests.unit.slo.bench.test_capacity import MACHINE


def _run(name: str, rate: float, wrong: int = 0) -> PeerRun:
    return PeerRun(name, round(rate * 10), 10.0, 5.0, 10**8, wrong)


def _result(*runs: PeerRun) -> ContestResult:
    names = list(dict.fromkeys(run.contender for run in runs))
    return ContestResult(names, 1_000_000, runs, MACHINE)


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
