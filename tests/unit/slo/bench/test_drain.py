"""Ratios and verdict of the drain benchmark, on literal runs."""

from __future__ import annotations

import pytest

from slo.bench.drain import DrainResult
from slo.bench.drain_run import DrainRun
from slo.verdict import Verdict


def run(contender: str, wall: float, cpu: float, differences: int = 0) -> DrainRun:
    """A drain of a thousand events."""
    return DrainRun(contender, 1000, wall, cpu, differences)


def test_ratios_are_of_medians() -> None:
    """One slow run of three changes nothing."""
    result = DrainResult(
        [
            run("flink", 2.0, 2.0), run("loop", 8.0, 4.0),
            run("flink", 9.0, 9.0), run("loop", 8.0, 4.0),
            run("flink", 2.0, 2.0), run("loop", 60.0, 40.0),
        ]
    )  # fmt: skip

    assert result.ratio_wall == pytest.approx(4.0)
    assert result.ratio_cpu == pytest.approx(2.0)
    assert result.verdict().verdict is Verdict.PASS


def test_faster_but_too_expensive_fails() -> None:
    """Four times as fast at the same cost: 1.0 is below 1.5."""
    result = DrainResult([run("flink", 2.0, 4.0), run("loop", 8.0, 4.0)])

    verdicts = {each.name: each.verdict for each in result.verdict().objectives}
    assert verdicts == {
        "counts_exact": Verdict.PASS,
        "drain_ratio_wall": Verdict.PASS,
        "drain_ratio_cpu": Verdict.FAIL,
    }


def test_a_drain_that_is_not_exact_is_void() -> None:
    """However fast: one wrong cell."""
    result = DrainResult([run("flink", 1.0, 1.0, differences=1), run("loop", 8.0, 4.0)])

    verdicts = [each.verdict for each in result.verdict().objectives]
    assert verdicts == [Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE]


def test_the_json_has_the_promised_keys() -> None:
    """As the command line's documentation lists them, and more."""
    report = DrainResult([run("flink", 2.0, 2.0), run("loop", 8.0, 4.0)]).as_json()

    assert report["ratio_wall"] == pytest.approx(4.0)
    assert report["ratio_cpu"] == pytest.approx(2.0)
    assert [each["contender"] for each in report["runs"]] == ["flink", "loop"]
    assert report["runs"][0]["events_per_second"] == 500.0
