"""The read API against bare reads: interleaved, and judged by p99 with its interval."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from slo.bench.cache_reads import FEWEST_PAIRS, CacheReadsResult, Pair
from slo.report.benchmark_page import benchmarks_html, benchmarks_markdown
from slo.verdict import Verdict
from tests.unit.slo.bench.test_capacity import MACHINE


def _pairs(over: float, count: int = 4 * FEWEST_PAIRS) -> list[Pair]:
    bare = np.random.default_rng(1).gamma(4.0, 0.0002, size=count)
    return [Pair(float(n), "current_window" if n % 80 else "top_campaigns", t * over, t) for n, t in enumerate(bare)]


def _result(pairs: Sequence[Pair]) -> CacheReadsResult:
    return CacheReadsResult(20_000, 19_990.0, pairs, missed=0, differences=0, machine=MACHINE)


@pytest.mark.parametrize(
    ("result", "verdict"),
    [
        (_result(_pairs(1.4)), Verdict.PASS),
        (_result(_pairs(1.6)), Verdict.FAIL),
        (_result(_pairs(1.4, FEWEST_PAIRS - 1)), Verdict.INCONCLUSIVE),
        (replace(_result(_pairs(1.4)), missed=1), Verdict.FAIL),
        (replace(_result(_pairs(1.4)), differences=1), Verdict.FAIL),
    ],
)
def test_p99_over_bare_is_judged_and_void_reads_are_not_passed(result: CacheReadsResult, verdict: Verdict) -> None:
    assert result.verdict().verdict is verdict


def test_an_interval_on_both_sides_of_the_limit_is_inconclusive() -> None:
    """Every second block is slower: what is drawn decides."""
    pairs = [replace(each, api=each.bare * (1.7 if n // 400 % 2 else 1.2)) for n, each in enumerate(_pairs(1.0))]
    assert _result(pairs).verdict().verdict is Verdict.INCONCLUSIVE


def test_the_page_shows_each_kind_of_read() -> None:
    document = json.loads(json.dumps(_result(_pairs(1.4)).as_json()))
    page = benchmarks_markdown([document])
    assert "is 1.40 times the bare one (95 % interval 1.40 to 1.40), 1.5 is allowed. Verdict: pass." in page
    assert [line.split(" | ")[0] for line in page.splitlines() if line.startswith("| ")][1:] == [
        "| all",
        "| top campaigns",
        "| current window",
    ]
    browsers = benchmarks_html([document])
    assert "Reads through the cache" in browsers
    assert browsers.count("<figure") == 1


def test_the_curve_goes_as_far_as_there_are_ten_reads() -> None:
    curve = _result(_pairs(1.4, 2_500)).curve()
    assert [point["one_in"] for point in curve] == [2, 5, 10, 20, 50, 100, 200]
    assert all(point["api"] == pytest.approx(1.4 * point["bare"]) for point in curve)
    assert [point["bare"] for point in curve] == sorted(point["bare"] for point in curve)
    assert _result([]).curve() == []
