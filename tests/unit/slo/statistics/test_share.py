"""The interval of a share holds the truth as often as it says, where samples are good or bad together."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import numpy.typing as npt
import pytest

from pipeline.shared.wilson import wilson
from slo.statistics.blocks import Floats, block_starts, student_t
from slo.statistics.share import fewest_samples, seconds_needed, share_of_good, share_of_time

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
        times, good = stalls(120, 0.05, rng)
        found = share_of_good(times, good, 1.0)
        by_blocks += found.low <= truth <= found.high
        low, high = wilson(np.count_nonzero(good), len(good))
        independent += low <= truth <= high
    assert by_blocks / runs >= 0.92
    assert independent / runs < 0.30


def test_samples_that_are_declared_independent_get_wilsons_interval() -> None:
    """1 % bad, of 60,000, each further from the next than the declared time."""
    rng = np.random.default_rng(6)
    good = rng.random(60_000) < 0.99
    found = share_of_good(np.linspace(0.0, 600.0, 60_000), good, 0.005)
    low, high = wilson(np.count_nonzero(good), len(good))
    assert found.high - found.low == pytest.approx(high - low, rel=0.1)


def test_a_hundred_times_the_events_are_no_more_evidence() -> None:
    """A minute without a bad one is 60 independent seconds, be it of 6,000 events or 600,000."""
    few, many = (share_of_good(np.linspace(0.0, 59.9, count), np.ones(count, bool), 1.0) for count in (6_000, 600_000))
    assert few.effective == pytest.approx(60.0, rel=0.01)
    assert few.low == pytest.approx(many.low, rel=1e-3)
    assert wilson(60, 60)[0] == pytest.approx(few.low, rel=1e-3)


def test_bursts_longer_than_declared_widen_the_interval() -> None:
    """Ten stalls of 10 s in 20 minutes are a twelfth of the time: some 120 pieces of evidence remain of 1,200."""
    times = np.arange(0.0, 1200.0, 0.1)
    good = ~(times % 120.0 < 10.0)
    found = share_of_good(times, good, 1.0)
    assert 60 < found.effective < 240


def test_samples_that_come_rarely_are_no_more_than_they_are() -> None:
    """20 samples, one a minute, however short the declared time is."""
    found = share_of_good(np.arange(20.0) * 60.0, np.ones(20, bool), 1.0)
    assert found.effective == pytest.approx(20.0)
    assert (round(found.low, 3), found.high) == (0.839, 1.0)


def test_samples_of_one_moment_are_one_piece_of_evidence() -> None:
    found = share_of_good(np.full(5000, 7.0), np.ones(5000, bool), 1.0)
    assert found.effective == 1.0
    assert found.low < 0.21


def test_how_long_a_run_has_to_be_is_told() -> None:
    """All good: 381 s show 99 %. A share that is not above the target is shown by no length."""
    found = share_of_good(np.arange(0.0, 60.0, 0.01), np.ones(6000, bool), 1.0)
    needed = seconds_needed(found, 0.99)
    assert needed == pytest.approx(380.3, rel=0.01)
    enough = share_of_good(np.arange(0.0, 381.0, 0.1), np.ones(3810, bool), 1.0)
    assert enough.low >= 0.99
    half = share_of_good(np.arange(0.0, 60.0, 0.01), np.arange(6000) % 2 > 0, 1.0)
    assert (seconds_needed(half, 0.99), seconds_needed(half, 0.5), seconds_needed(found, 1.0)) == (None, None, None)


def test_a_share_of_time_weighs_by_time() -> None:
    """Bad for 30 of 60 s, in one of the two polls: half, and not one of many."""
    found = share_of_time(np.array([0.0, 30.0]), np.array([30.0, 30.0]), np.array([0.0, 30.0]), 1.0)
    assert found.value == 0.5
    with pytest.raises(ValueError, match="no time"):
        share_of_time(np.zeros(2), np.zeros(2), np.zeros(2), 1.0)


@pytest.mark.parametrize(("target", "fewest"), [(0.9, 35), (0.99, 381), (0.999, 3838), (1.0, 1)])
def test_how_many_samples_a_target_takes(target: float, fewest: int) -> None:
    """One less can't show it, even if all are good."""
    assert fewest_samples(target) == fewest
    if target < 1.0:
        assert wilson(fewest, fewest)[0] >= target > wilson(fewest - 1, fewest - 1)[0]


def test_the_order_of_the_samples_does_not_matter() -> None:
    times, good = stalls(60, 0.1, np.random.default_rng(7))
    shuffled = np.random.default_rng(8).permutation(len(times))
    assert share_of_good(times[shuffled], good[shuffled], 1.0) == share_of_good(times, good, 1.0)


def test_no_samples_are_no_share() -> None:
    with pytest.raises(ValueError, match="no samples"):
        share_of_good(np.zeros(0), np.zeros(0, dtype=bool), 1.0)


def test_blocks_are_5_seconds_and_at_least_12() -> None:
    """120 s make 24 blocks, 6 s make 12, an instant makes one, a day 400."""
    spans = (120.0, 6.0, 0.0, 86_400.0)
    assert [len(block_starts(np.linspace(0, span, 100_000))) for span in spans] == [24, 12, 1, 400]


def test_students_t() -> None:
    """Against the table in every textbook."""
    for freedom, quantile in ((1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (11, 2.201), (30, 2.042), (1000, 1.962)):
        assert student_t(0.975, freedom) == pytest.approx(quantile, rel=0.005)
    for freedom, quantile in ((1, 63.657), (2, 9.925), (3, 5.841)):
        assert student_t(0.995, freedom) == pytest.approx(quantile, rel=0.02)
    assert student_t(0.975, 10**9) == pytest.approx(NormalDist().inv_cdf(0.975))
