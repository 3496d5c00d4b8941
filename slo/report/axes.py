"""Axes of a plot: from values to pixels, and round numbers to label."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 680.0, 260.0
LEFT, RIGHT, TOP, BOTTOM = 68.0, 12.0, 14.0, 34.0


@dataclass(frozen=True)
class Axis:
    """Values from ``low`` to ``high`` along pixels from ``start`` to ``end``."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def pixel(self, value: float) -> float:
        """Where a value lies; beyond the ends it is drawn at the end."""
        low, high, at = (self._scaled(each) for each in (self.low, self.high, value))
        share = (at - low) / (high - low) if high > low else 0.5
        return round(self.start + min(max(share, 0.0), 1.0) * (self.end - self.start), 1)

    def _scaled(self, value: float) -> float:
        return math.log10(max(value, 1e-9)) if self.logarithmic else value

    def ticks(self) -> list[float]:
        """A handful of round values within the axis."""
        if self.logarithmic:
            first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
            decades = _within(self, [10.0**power for power in range(first, last + 1)])
            if len(decades) > 2:
                return decades
            return _within(self, [factor * 10.0**power for power in range(first, last + 1) for factor in (1, 2, 5)])
        step = _round_step((self.high - self.low) / 4.0)
        first = math.ceil(self.low / step)
        return _within(self, [step * (first + number) for number in range(8)])


def horizontal(low: float, high: float) -> Axis:
    """An axis along the bottom."""
    return Axis(low, high if high > low else low + 1.0, LEFT, WIDTH - RIGHT)


def vertical(values: Sequence[float], *, logarithmic: bool = False) -> Axis:
    """An axis up the left side that shows all values, with a little room."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    if logarithmic:
        low = max(low, 1e-4)
        return Axis(10 ** math.floor(math.log10(low)), max(high, low) * 1.5, HEIGHT - BOTTOM, TOP, logarithmic=True)
    room = (high - low) * 0.08 or abs(high) * 0.05 or 1.0
    return Axis(max(low - room, 0.0) if low >= 0 else low - room, high + room, HEIGHT - BOTTOM, TOP)


def _within(axis: Axis, values: list[float]) -> list[float]:
    reach = (axis.high - axis.low) * 1e-9
    return [value for value in values if axis.low - reach <= value <= axis.high + reach]


def _round_step(step: float) -> float:
    if step <= 0:
        return 1.0
    power: float = 10.0 ** math.floor(math.log10(step))
    return next(power * factor for factor in (1.0, 2.0, 5.0, 10.0) if power * factor >= step * 0.999)
