"""Known slopes come back from noise, and the interval is as sure as it says."""

from __future__ import annotations

import numpy as np
import pytest

from slo.statistics.blocks import Floats
from slo.statistics.growth import Growth, growth
from slo.statistics.simulation import steps

HALF_AN_HOUR = np.arange(0.0, 1800.0, 5.0)


def fitted(times: Floats, values: Floats) -> Growth:
    found = growth(times, values)
    assert found is not None
    return found


def line(per_hour: float, times: Floats = HALF_AN_HOUR) -> Floats:
    return 1000.0 + per_hour * times / 3600.0


@pytest.mark.parametrize("per_hour", [-120.0, 0.0, 60.0])
def test_an_exact_line(per_hour: float) -> None:
    """Slope, level, and an interval without width."""
    found = fitted(HALF_AN_HOUR, line(per_hour))
    assert (found.per_hour, found.low, found.high) == pytest.approx((per_hour, per_hour, per_hour), abs=1e-6)
    assert found.level == pytest.approx(1000.0 + per_hour * found.at_seconds / 3600.0)


def test_times_are_unix_seconds() -> None:
    """The point on the line is at a unix time, too."""
    found = fitted(1_700_000_000.0 + HALF_AN_HOUR, line(60.0))
    assert found.per_hour == pytest.approx(60.0, rel=1e-6)
    assert 1_700_000_000 < found.at_seconds < 1_700_001_800


def test_a_fifth_of_outliers_moves_nothing() -> None:
    """Every fifth checkpoint is ten times as big."""
    values = line(60.0)
    values[::5] *= 10.0
    found = fitted(HALF_AN_HOUR, values)
    assert found.per_hour == pytest.approx(60.0, rel=0.05)


def test_steps_of_whole_pages_are_a_line_seen_coarsely() -> None:
    """Memory grows by 4 at a time, 60 an hour."""
    found = fitted(HALF_AN_HOUR, np.floor(line(60.0) / 4.0) * 4.0)
    assert found.low <= 60.0 <= found.high
    assert found.per_hour == pytest.approx(60.0, rel=0.1)


@pytest.mark.parametrize("per_hour", [0.0, 60.0])
def test_the_teeth_of_a_saw_are_no_growth(per_hour: float) -> None:
    """Checkpoint sizes go up by 50 within each minute and fall again: the slope between the teeth counts."""
    sawtooth = line(per_hour) + 50.0 * (HALF_AN_HOUR % 60.0) / 60.0
    found = fitted(HALF_AN_HOUR, sawtooth)
    assert found.low <= per_hour <= found.high
    assert abs(found.per_hour - per_hour) < 6.0


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.8])
def test_the_interval_covers_the_truth_in_correlated_noise(correlation: float) -> None:
    """First-order autoregression, one point per 5 s for half an hour, 200 times: about 95 % hold the slope of 10."""
    rng, runs, covered = np.random.default_rng(11), 200, 0
    for _ in range(runs):
        noise = rng.normal(size=len(HALF_AN_HOUR))
        for at in range(1, len(noise)):
            noise[at] += correlation * noise[at - 1]
        found = fitted(HALF_AN_HOUR, line(10.0) + noise)
        covered += found.low <= 10.0 <= found.high
    assert covered / runs >= 0.92


def test_one_step_is_not_a_slope_of_hundreds() -> None:
    """A thread more from the middle on, seen every 5 s: two or three in half an hour at most, and not 240 a minute."""
    found = fitted(HALF_AN_HOUR, np.where(HALF_AN_HOUR < 900.0, 86.0, 87.0))
    assert -10.0 <= found.low <= 0.0 < found.high <= 10.0


def test_growth_in_steps_is_growth_wherever_the_step_is() -> None:
    """100 an hour in steps of 25, judged for 16 minutes against 60: one step is seen, or two. None may pass."""
    rng, times = np.random.default_rng(13), np.arange(0.0, 960.0, 5.0)
    runs = [fitted(times, steps(times, 100.0, 25.0, rng) + rng.normal(size=len(times))) for _ in range(60)]
    assert sum(run.high <= 60.0 for run in runs) <= 1


def test_a_leak_that_slows_down_is_growth_all_the_same() -> None:
    """Never less than 60 an hour, without any noise: the interval is all slopes there are."""
    found = fitted(HALF_AN_HOUR, line(60.0) + 200.0 * np.sqrt(HALF_AN_HOUR / 1800.0))
    assert found.low > 60.0


def test_a_random_walk_is_no_growth() -> None:
    """Where every step adds to the last, the interval reaches to both sides of zero, 19 times of 20."""
    rng = np.random.default_rng(12)
    walks = [fitted(HALF_AN_HOUR, np.cumsum(rng.normal(size=len(HALF_AN_HOUR)))) for _ in range(40)]
    assert sum(walk.low <= 0.0 <= walk.high for walk in walks) >= 36


def test_too_few_points_have_no_interval() -> None:
    assert growth(HALF_AN_HOUR[:7], line(60.0)[:7]) is None
    assert growth(np.zeros(0), np.zeros(0)) is None
    assert growth(np.full(20, 5.0), np.arange(20.0)) is None
