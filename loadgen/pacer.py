"""Schedules of an open-loop load, as pure functions: event index → intended time.

A schedule never looks at what the system under test does. The sender follows it, and the difference
between the actual and the intended time is the sender's own lateness (see "coordinated omission", Gil Tene).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from loadgen.rate_curve import RateCurve

SECOND_NS = 1_000_000_000


class Pacer(Protocol):
    """When each event of a run is due."""

    @property
    def total(self) -> int | None:
        """Events in the whole run; None for a run without an end."""

    @property
    def mean_rate(self) -> float:
        """Events per second over the whole run."""

    def offsets_ns(self, first: int, count: int) -> npt.NDArray[np.int64]:
        """Intended times of the events from ``first`` on, in ns since the start; never falling."""

    def due(self, offset_ns: int) -> int:
        """How many events are due at a time since the start."""


@dataclass(frozen=True)
class SteadyPacer:
    """``rate`` events per second, evenly spaced, for ``seconds`` (None: without an end)."""

    rate: float
    seconds: float | None

    @property
    def total(self) -> int | None:
        return None if self.seconds is None else round(self.rate * self.seconds)

    @property
    def mean_rate(self) -> float:
        return self.rate

    def offsets_ns(self, first: int, count: int) -> npt.NDArray[np.int64]:
        index = np.arange(first, first + count, dtype=np.float64)
        offsets: npt.NDArray[np.int64] = (index * (SECOND_NS / self.rate)).astype(np.int64)
        return offsets

    def due(self, offset_ns: int) -> int:
        if offset_ns < 0:
            return 0
        count = int(offset_ns * (self.rate / SECOND_NS)) + 1
        return count if self.total is None else min(count, self.total)


@dataclass(frozen=True)
class CurvePacer:
    """``rate`` events per second wherever the curve stands at 1, for ``seconds`` (None: without an end)."""

    rate: float
    seconds: float | None
    curve: RateCurve

    @property
    def total(self) -> int | None:
        return None if self.seconds is None else round(self.rate * self.curve.area(self.seconds))

    @property
    def mean_rate(self) -> float:
        if self.seconds is None:
            return self.rate * self.curve.mean_times
        return self.rate * self.curve.area(self.seconds) / self.seconds

    def offsets_ns(self, first: int, count: int) -> npt.NDArray[np.int64]:
        index = np.arange(first, first + count, dtype=np.float64)
        offsets: npt.NDArray[np.int64] = (self.curve.moments(index / self.rate) * SECOND_NS).astype(np.int64)
        return offsets

    def due(self, offset_ns: int) -> int:
        if offset_ns < 0:
            return 0
        count = int(self.rate * self.curve.area(offset_ns / SECOND_NS)) + 1
        return count if self.total is None else min(count, self.total)


def pacer_of(rate: float, seconds: float | None, curve: RateCurve | None) -> Pacer:
    """The schedule of a nominal rate under a curve; None: steady."""
    return SteadyPacer(rate, seconds) if curve is None else CurvePacer(rate, seconds, curve)
