"""The benchmark's arithmetic."""

from __future__ import annotations

import pytest

from slo.bench.generator import GeneratorResult, GeneratorRun
from slo.verdict import Verdict


def _run(rate: float, processes: int = 1, failed: int = 0) -> GeneratorRun:
    return GeneratorRun(processes, round(rate * 10), failed, wall_seconds=10.0, cpu_seconds=8.0)


def test_median_and_spread() -> None:
    """Of three runs the middle one, and the extremes."""
    result = GeneratorResult([_run(260_000), _run(240_000), _run(300_000)])
    assert result.median("events_per_second") == 260_000
    assert result.spread("events_per_second") == (240_000, 300_000)
    assert result.median("events_per_cpu_second") == 325_000
    assert result.verdict().verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("run", "verdict"),
    [
        (_run(249_999), Verdict.FAIL),
        (_run(250_000), Verdict.PASS),
        (_run(400_000, processes=2), Verdict.FAIL),
        (_run(500_000, processes=2), Verdict.PASS),
        (_run(500_000, failed=1), Verdict.INCONCLUSIVE),
    ],
)
def test_the_rate_is_judged_per_process(run: GeneratorRun, verdict: Verdict) -> None:
    """And void where an event was not acknowledged."""
    assert GeneratorResult([run]).verdict().verdict is verdict
