"""Two recordings side by side: differences are found, noise is not one."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from slo.compare import Comparison, IndicatorDifference, RunComparison, compare, describe
from slo.recording import Exactness, Floats, Recording, Series
from slo.report.comparison import comparison_json, comparison_text
from slo.spec.model import Indicator
from slo.statistics.ratio import Ratio, percentile_ratios

SECONDS = 60.0


def latencies(seed: int, factor: float = 1.0, rate: int = 500) -> Floats:
    """Lognormal around 0.2 s, each second a little faster or slower than the last."""
    rng = np.random.default_rng(seed)
    mood = np.repeat(rng.normal(0, 0.05, int(SECONDS)), rate)
    return factor * np.exp(np.log(0.2) + mood + 0.4 * rng.normal(size=len(mood)))


def run(values: Floats, indicator: Indicator = Indicator.EVENT_TO_REDIS, **rest: str) -> Recording:
    times = 1000.0 + np.linspace(0.0, SECONDS, len(values), endpoint=False)
    return Recording(1000.0, 1000.0 + SECONDS, {indicator: Series(times, values, **rest)})  # type: ignore[arg-type]


def by_figure(compared: RunComparison) -> dict[str, Comparison]:
    return {each.figure: each for each in compared.comparisons}


@pytest.mark.parametrize(
    ("factor", "difference", "relevant"),
    [
        (1.0, IndicatorDifference.NONE, False),
        (1.06, IndicatorDifference.WORSE, False),
        (1.3, IndicatorDifference.WORSE, True),
        (0.7, IndicatorDifference.BETTER, True),
    ],
)
def test_a_factor_is_found_again(factor: float, difference: IndicatorDifference, relevant: bool) -> None:
    """Of the median: 6 % is shown and tolerated, 30 % is not."""
    compared = compare(run(latencies(1)), run(latencies(2, factor)))
    median = by_figure(compared)["median"]
    assert (median.difference, median.relevant) == (difference, relevant)
    assert median.ratio is not None
    assert median.ratio.low <= factor <= median.ratio.high
    assert compared.worse is (factor == 1.3)


def test_forty_pairs_of_the_same_thing_trip_nothing() -> None:
    """Seconds differ by 5 % at random: never relevant, and rarely shown at all."""
    compared = [compare(run(latencies(seed)), run(latencies(seed + 1000))) for seed in range(40)]
    assert not any(each.worse for each in compared)
    medians = [by_figure(each)["median"].difference for each in compared]
    assert medians.count(IndicatorDifference.NONE) >= 35


def test_binned_percentiles_are_those_of_the_samples() -> None:
    """The point lies in its interval; identical series have a ratio of exactly 1."""
    series = (np.arange(6000) / 100.0, np.random.default_rng(3).exponential(1.0, 6000))
    ratios = percentile_ratios(series, series, (0.5, 0.99))
    assert ratios is not None
    assert [ratio.value for ratio in ratios] == [1.0, 1.0]
    assert all(0.8 < ratio.low <= 1.0 <= ratio.high < 1.25 for ratio in ratios)


def test_samples_that_never_came_are_slower_than_any() -> None:
    """2 % of B never came: it has no p99, and that is worse; if neither has one, nothing is compared."""
    lossy = latencies(2)
    lossy[::50] = np.nan
    p99 = by_figure(compare(run(latencies(1)), run(lossy)))["p99"]
    assert (p99.difference, p99.relevant, p99.text) == (
        IndicatorDifference.WORSE,
        True,
        "B slower by more than 100 times",
    )
    both = by_figure(compare(run(lossy), run(lossy)))
    assert both["p99"].difference is IndicatorDifference.INCOMPARABLE
    assert both["median"].difference is IndicatorDifference.NONE


def test_a_percentile_at_the_edge_of_what_came_is_no_difference() -> None:
    """0.9 % never came, in bursts: some resamples of either have a p99 and some have none."""
    edge = latencies(2)
    for begins in range(0, 27_000, 3000):
        edge[begins : begins + 30] = np.nan
    p99 = by_figure(compare(run(edge), run(edge)))["p99"]
    assert p99.difference is IndicatorDifference.NONE
    assert p99.ratio is not None
    assert (p99.ratio.low, p99.ratio.high) == (0.0, np.inf)
    assert "nan" not in p99.text
    assert comparison_json(compare(run(edge), run(edge)))["comparisons"][1]["ratio"]["high"] is None


def test_gauges_that_stay_zero_do_not_differ() -> None:
    """No key without TTL in either; and five in B are more."""
    zero, five = np.zeros(600), np.full(600, 5.0)
    without_ttl = Indicator.REDIS_KEYS_WITHOUT_TTL
    assert not compare(run(zero, without_ttl), run(zero, without_ttl)).worse
    grown = compare(run(zero, without_ttl), run(five, without_ttl))
    assert grown.worse
    assert grown.comparisons[0].text == "B larger by more than 100 times"


def test_what_is_void_missing_or_too_little_is_not_compared() -> None:
    """And two recordings without anything comparable are not shown to be alike."""
    good = run(latencies(1))
    void = run(latencies(2), void="the clock stepped")
    wrong = replace(run(latencies(2)), exactness=Exactness(records=10, differences=1))
    instant = Recording(1000.0, 1060.0, {Indicator.EVENT_TO_REDIS: Series(np.full(500, 1001.0), np.full(500, 0.2))})
    elsewhere = run(latencies(2), Indicator.CACHE_READ)
    for other, said in (
        (void, "B: void: the clock stepped"),
        (instant, "too few samples over time to compare"),
        (elsewhere, "B: no samples: did the probe run?"),
    ):
        compared = compare(good, other)
        assert compared.comparisons[0].text == said
        assert not compared.worse
        assert not compared.anything_compared
    assert compare(good, wrong).comparisons[1].text == "B: void: the counts are not exact"


@pytest.mark.parametrize(
    ("low", "high", "relevant"),
    [(1.0, 1.2, False), (1.05, 1.09, False), (1.10, 1.3, False), (1.101, 1.3, True)],
)
def test_the_whole_interval_must_lie_beyond_the_tolerance(low: float, high: float, relevant: bool) -> None:
    assert describe("x", "median", "seconds", Ratio(1.0, 1.0, (low + high) / 2, low, high)).relevant is relevant


def test_the_words() -> None:
    ratio = Ratio(1.0, 1.07, 1.07, 1.05, 1.09)
    assert describe("x", "median", "seconds", ratio).text == "B slower by 5 to 9 %, within the 10 % that are tolerated"
    assert describe("x", "median", "bytes", Ratio(1.0, 0.6, 0.6, 0.5, 0.7)).text == "B smaller by 30 to 50 %"
    assert describe("x", "p99", "seconds", Ratio(1.0, 1.0, 1.0, 0.98, 1.03)).text == (
        "no difference shown (-2 to +3 %)"
    )


def test_the_table_fits_and_the_json_is_json() -> None:
    lossy = latencies(2)
    lossy[::50] = np.nan
    compared = compare(run(latencies(1)), run(lossy))
    text = comparison_text(compared, width=80)
    assert max(map(len, text.splitlines())) <= 80
    assert text.endswith("B is worse than A\n")
    document = json.loads(json.dumps(comparison_json(compared), allow_nan=False))
    assert document["worse"] is True
    assert document["comparisons"][1]["ratio"]["b"] is None


def test_a_wrong_count_is_worse_however_small_it_is() -> None:
    """No tolerance is for counts; an overcount that was taken back is one, too."""
    a = replace(run(latencies(1)), exactness=Exactness(records=1000, differences=0))
    for exactness in (Exactness(1000, 1), Exactness(1000, 0, taken_back=1)):
        compared = compare(a, replace(run(latencies(2)), exactness=exactness))
        assert compared.worse
        assert compared.comparisons[0].text == "1 wrong counts in B, 0 in A"
    assert not compare(a, replace(run(latencies(2)), exactness=a.exactness)).worse
    assert compare(a, run(latencies(2))).missing_in_b, "nobody compared the counts in B"


def test_a_probe_that_died_in_b_is_not_as_good_as_in_a() -> None:
    a = replace(
        run(latencies(1)), series={**run(latencies(1)).series, **run(latencies(1), Indicator.CACHE_READ).series}
    )
    b = run(latencies(2))
    assert (compare(a, b).missing_in_b, compare(a, b).worse) == (True, False)
    assert comparison_text(compare(a, b)).endswith("inconclusive: B has not all that A has\n")
    assert not compare(b, a).missing_in_b
