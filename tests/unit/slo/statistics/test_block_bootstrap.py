"""The interval of a share holds the truth as often as it says, where samples are good or bad together."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import numpy.typing as npt
import pytest

from pipeline.shared.wilson import wilson
from slo.statistics.block_bootstrap import fewest_samples, share_of_good
from slo.statistics.blocks import Floats, block_starts, student_t

RATE = 200


def stalls(seconds: int, per_second: float, rng: np.random.Generator) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """200 events a second; stalls of one second begin at random, and every event in one is bad."""
    times = np.arange(seconds * RATE) / RATE
    good = np.ones(len(times), dtype=bool)
    for begins in rng.uniform(-1.0, seconds, rng.poisson(per_second * (seconds + 1))):
        good[(times >= begins) & (times < begins + 1.0)] = False
    return times, good


def test_the_interval_covers_the_truth_where_wilsons_does_not() -> None:
    """Stalls begin every 20 s on average, so e^-0.05 of all events are good; 300 runs of two minutes."""
    rng, truth, runs = np.random.default_rng(5), np.exp(-0.05), 300
    by_blocks = independent = 0
    for _ in range(runs):
        found = share_of_good(*stalls(120, 0.05, rng))
        by_blocks += found.low <= truth <= found.high
        low, high = wilson(found.good, found.total)
        independent += low <= truth <= high
    assert 0.90 <= by_blocks / runs <= 0.98
    assert independent / runs < 0.30


def test_independent_samples_get_an_interval_about_as_wide_as_wilsons() -> None:
    """1 % bad, of 60,000: blocks cost little where they are not needed."""
    rng = np.random.default_rng(6)
    good = rng.random(60_000) < 0.99
    found = share_of_good(np.linspace(0.0, 600.0, 60_000), good)
    low, high = wilson(found.good, found.total)
    assert found.high - found.low == pytest.approx(high - low, rel=0.35)


def test_all_good_is_not_certainty() -> None:
    """20 of 20 show 83.9 % and no more: resampling alone would say 100 %."""
    found = share_of_good(np.arange(20.0), np.ones(20, dtype=bool))
    assert (round(found.low, 3), found.high) == (0.839, 1.0)


@pytest.mark.parametrize(("target", "fewest"), [(0.9, 35), (0.99, 381), (0.999, 3838), (1.0, 1)])
def test_how_many_samples_a_target_takes(target: float, fewest: int) -> None:
    """One less can't show it, even if all are good."""
    assert fewest_samples(target) == fewest
    if target < 1.0:
        assert wilson(fewest, fewest)[0] >= target > wilson(fewest - 1, fewest - 1)[0]


def test_the_order_of_the_samples_does_not_matter() -> None:
    times, good = stalls(60, 0.1, np.random.default_rng(7))
    shuffled = np.random.default_rng(8).permutation(len(times))
    assert share_of_good(times[shuffled], good[shuffled]) == share_of_good(times, good)


def test_no_samples_are_no_share() -> None:
    with pytest.raises(ValueError, match="no samples"):
        share_of_good(np.zeros(0), np.zeros(0, dtype=bool))


def test_blocks_are_5_seconds_and_at_least_12() -> None:
    """120 s make 24 blocks, 6 s make 12, an instant makes one, a day 400."""
    spans = (120.0, 6.0, 0.0, 86_400.0)
    assert [len(block_starts(np.linspace(0, span, 100_000))) for span in spans] == [24, 12, 1, 400]


def test_students_t() -> None:
    """Against the table in every textbook."""
    for freedom, quantile in ((4, 2.776), (11, 2.201), (30, 2.042), (1000, 1.962)):
        assert student_t(0.975, freedom) == pytest.approx(quantile, rel=0.005)
    assert student_t(0.975, 10**9) == pytest.approx(NormalDist().inv_cdf(0.975))
