"""Our percentiles against those of independent libraries, and injected latencies through count matching."""

from __future__ import annotations

import statistics

import numpy as np
import pytest
from hdrh.histogram import HdrHistogram

from slo.latency.matching import Expected, Sightings, match
from slo.statistics.blocks import Floats
from slo.statistics.percentiles import percentiles

SHARES = (0.5, 0.9, 0.99, 0.999)


def exponential(size: int) -> Floats:
    return np.random.default_rng(21).exponential(0.2, size)


def lognormal(size: int) -> Floats:
    return np.random.default_rng(22).lognormal(np.log(0.15), 0.6, size)


@pytest.mark.parametrize("draw", [exponential, lognormal])
def test_percentiles_agree_with_numpy_and_the_standard_library_to_1_percent(draw: type[Floats]) -> None:
    """200,000 raw samples: exact ranks, HdrHistogram's buckets, numpy's and statistics' interpolation."""
    values = draw(200_000)
    ours = percentiles(values, SHARES)
    histogram = HdrHistogram(1, 3_600_000_000, 3)
    for value in values:
        histogram.record_value(int(value * 1_000_000))
    cuts = statistics.quantiles(values.tolist(), n=1000, method="inclusive")
    for share, found in zip(SHARES, ours, strict=True):
        assert found == pytest.approx(float(np.percentile(values, 100 * share)), rel=0.01)
        assert found == pytest.approx(cuts[round(1000 * share) - 1], rel=0.01)
        assert found == pytest.approx(histogram.get_value_at_percentile(100 * share) / 1_000_000, rel=0.01)


@pytest.mark.parametrize("draw", [exponential, lognormal])
def test_an_injected_distribution_comes_back_through_count_matching(draw: type[Floats]) -> None:
    """100,000 events of 50 cells, due every millisecond; a reader looks every 10 ms at counts that rise as they come.

    Within a cell, an event is counted after the ones before it, as on a partition: that is how it was delayed.
    """
    due = 1000.0 + np.arange(100_000) / 1000.0
    cell = np.random.default_rng(23).integers(50, size=len(due))
    visible = due + draw(len(due))
    injected = np.empty(len(due))
    rises: list[tuple[float, int, int]] = []
    looks = np.arange(1000.0, 1110.0, 0.01)
    for number in range(50):
        of_cell = np.flatnonzero(cell == number)
        # The n-th count is reached when n events of the cell are visible; the n-th due is charged for it.
        reached = np.sort(visible[of_cell])
        injected[of_cell] = reached - due[of_cell]
        counts = np.searchsorted(reached, looks, side="right")
        rose = np.flatnonzero(np.diff(counts, prepend=0))
        rises += [(float(looks[at]), number, int(counts[at])) for at in rose]
    rises.sort()
    seen_at, cells, counted = (np.array(column) for column in zip(*rises, strict=True))
    found = match(Expected(cell, due), Sightings(cells, counted, seen_at), {})
    assert (found.unseen, found.surplus) == (0, 0)
    for ours, wanted in zip(percentiles(found.latency, SHARES), percentiles(injected, SHARES), strict=True):
        assert ours == pytest.approx(wanted, rel=0.05)
    assert np.mean(found.latency) == pytest.approx(np.mean(visible - due), rel=0.05)


def test_a_rank_among_samples_that_never_came_has_no_value() -> None:
    """99 seen and one not: the 99th is the last with a value."""
    values = np.append(np.arange(1.0, 100.0), np.nan)
    assert percentiles(values, (0.07, 0.5, 0.99, 0.991)) == [7.0, 50.0, 99.0, None]
    assert percentiles(np.zeros(0), (0.5,)) == [None]
