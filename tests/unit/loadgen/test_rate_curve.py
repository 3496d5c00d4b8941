"""The rate over time: short stories with literal numbers."""

from __future__ import annotations

import numpy as np
import pytest

from loadgen.profiles import bundled_names, find_profile
from loadgen.rate_curve import RateCurve, RatePoint

RAMP = RateCurve((RatePoint(0, 0), RatePoint(10, 1)))
SPIKE = RateCurve((RatePoint(0, 1), RatePoint(3, 1), RatePoint(3, 5), RatePoint(4, 5), RatePoint(4, 1)))
NIGHT = RateCurve((RatePoint(0, 2), RatePoint(1, 2), RatePoint(1, 0)), repeat_seconds=4)


@pytest.mark.parametrize(
    ("curve", "at", "times"),
    [
        (RAMP, 0, 0), (RAMP, 5, 0.5), (RAMP, 10, 1), (RAMP, 3600, 1),
        (SPIKE, 2.9, 1), (SPIKE, 3, 5), (SPIKE, 3.9, 5), (SPIKE, 4, 1), (SPIKE, 100, 1),
        (NIGHT, 0.5, 2), (NIGHT, 2, 0), (NIGHT, 4.5, 2), (NIGHT, 4002, 0),
    ],
)  # fmt: skip
def test_the_rate_at_a_moment(curve: RateCurve, at: float, times: float) -> None:
    """A line between points, then the last point forever, or repeated."""
    assert curve.times(at) == pytest.approx(times)


@pytest.mark.parametrize(
    ("curve", "until", "area"),
    [
        (RAMP, -1, 0), (RAMP, 4, 0.8), (RAMP, 10, 5), (RAMP, 12, 7),
        (SPIKE, 3, 3), (SPIKE, 3.5, 5.5), (SPIKE, 4, 8), (SPIKE, 10, 14),
        (NIGHT, 1, 2), (NIGHT, 3, 2), (NIGHT, 4, 2), (NIGHT, 4.5, 3), (NIGHT, 400, 200),
    ],
)  # fmt: skip
def test_events_until_a_moment(curve: RateCurve, until: float, area: float) -> None:
    """A triangle of 10 s and 1 is 5; a second at 5 is 5; a round with one second at 2 is 2."""
    assert curve.area(until) == pytest.approx(area)


def test_when_an_area_is_reached() -> None:
    """The ramp has 0.8 after 4 s; the spike 5.5 after half of its second; what falls on a pause is at its beginning."""
    assert RAMP.moments(np.array([0.0, 0.8, 5.0, 7.0])).tolist() == pytest.approx([0, 4, 10, 12])
    assert SPIKE.moments(np.array([3.0, 5.5, 8.0, 14.0])).tolist() == pytest.approx([3, 3.5, 4, 10])
    assert NIGHT.moments(np.array([1.0, 3.0, 200.5])).tolist() == pytest.approx([0.5, 4.5, 400.25])


@pytest.mark.parametrize("name", bundled_names())
def test_moments_are_the_inverse_of_areas(name: str) -> None:
    """Of every bundled profile, at 1,000 places over half an hour."""
    curve = find_profile(name).curve
    if curve is None:
        return
    areas = np.linspace(0, curve.area(1800), 1000)
    assert np.allclose([curve.area(at) for at in curve.moments(areas).tolist()], areas, atol=1e-6)
    assert (np.diff(curve.moments(areas)) >= 0).all()


def test_means_and_peaks() -> None:
    """Over a round; without one, forever behind the last point."""
    assert (NIGHT.mean_times, NIGHT.highest_times) == (0.5, 2)
    assert (SPIKE.mean_times, SPIKE.highest_times) == (1, 5)
