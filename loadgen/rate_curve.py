"""The rate of a load over time, as a pure function: elapsed time → times the nominal rate, its integral and inverse."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class RatePoint:
    """At this moment the rate is so many times the nominal one."""

    at_seconds: float
    times: float


@dataclass(frozen=True)
class RateCurve:
    """Straight lines between points; behind the last one its rate holds, or the curve begins again.

    The first point is at 0, times never fall along the points (two at one time are a jump), no rate is negative.
    Without ``repeat_seconds``, which is at least the last point's time, the last rate is above 0.
    """

    points: tuple[RatePoint, ...]
    repeat_seconds: float | None = None

    def times(self, elapsed_seconds: float) -> float:
        """The rate at a moment, as a multiple of the nominal one; at a jump, the one behind it."""
        rest = self._within(elapsed_seconds)[1]
        segment = int(np.searchsorted(self._at, rest, side="right")) - 1
        return float(self._level[segment] + self._slope[segment] * (rest - self._at[segment]))

    def area(self, elapsed_seconds: float) -> float:
        """Seconds at the nominal rate that give as many events as the time until then; 0 before the start."""
        if elapsed_seconds <= 0:
            return 0.0
        rounds, rest = self._within(elapsed_seconds)
        segment = int(np.searchsorted(self._at, rest, side="right")) - 1
        since = rest - self._at[segment]
        part = self._area[segment] + self._level[segment] * since + self._slope[segment] * since**2 / 2
        return float(rounds * self._area[-1] + part)

    def moments(self, areas: Floats) -> Floats:
        """The inverse of `area`: when each area is first reached, in seconds."""
        rounds = np.floor(areas / self._area[-1]) if self.repeat_seconds is not None else np.zeros(len(areas))
        rest = areas - rounds * self._area[-1] if self.repeat_seconds is not None else areas
        # The segment in whose course the area is reached: of some without any events the one before them.
        segment = np.maximum(np.searchsorted(self._area, rest, side="left") - 1, 0)
        missing, level, slope = rest - self._area[segment], self._level[segment], self._slope[segment]
        # The root of level·t + slope·t²/2 = missing that stays exact where the slope is 0.
        below = level + np.sqrt(np.maximum(level**2 + 2 * slope * missing, 0.0))
        since = np.divide(2 * missing, below, out=np.zeros(len(areas)), where=below > 0)
        moments: Floats = rounds * (self.repeat_seconds or 0.0) + self._at[segment] + since
        return moments

    @property
    def mean_times(self) -> float:
        """Over a round, or forever behind the last point."""
        if self.repeat_seconds is None:
            return self.points[-1].times
        return float(self._area[-1] / self.repeat_seconds)

    @property
    def highest_times(self) -> float:
        """The highest rate of all."""
        return max(point.times for point in self.points)

    def _within(self, elapsed_seconds: float) -> tuple[int, float]:
        if self.repeat_seconds is None or elapsed_seconds < 0:
            return 0, max(elapsed_seconds, 0.0)
        rounds = math.floor(elapsed_seconds / self.repeat_seconds)
        return rounds, elapsed_seconds - rounds * self.repeat_seconds

    @cached_property
    def _corners(self) -> tuple[RatePoint, ...]:
        last = self.points[-1]
        end = self.repeat_seconds if self.repeat_seconds is not None else last.at_seconds
        return (*self.points, RatePoint(end, last.times))

    @cached_property
    def _at(self) -> Floats:
        return np.array([point.at_seconds for point in self._corners])

    @cached_property
    def _level(self) -> Floats:
        return np.array([point.times for point in self._corners])

    @cached_property
    def _slope(self) -> Floats:
        width = np.diff(self._at)
        slope = np.divide(np.diff(self._level), width, out=np.zeros(len(width)), where=width > 0)
        return np.append(slope, 0.0)

    @cached_property
    def _area(self) -> Floats:
        return np.append(0.0, np.cumsum(np.diff(self._at) * (self._level[1:] + self._level[:-1]) / 2))
