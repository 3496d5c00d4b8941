"""Differences with what chance allows to say about them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from dashboards.business.view.rate import Rate
from pipeline.shared.wilson import wilson


@dataclass(frozen=True)
class Difference:
    """``low`` and ``high`` are the ends of the 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def may_be_chance(self) -> bool:
        """Whether the interval includes zero."""
        return self.low <= 0.0 <= self.high

    @property
    def sign(self) -> int:
        """1 for more, -1 for less, 0 for what may be chance."""
        if self.may_be_chance:
            return 0
        return 1 if self.low > 0.0 else -1


def of_rates(now: Rate, before: Rate) -> Difference:
    """A difference of two proportions, as shares: Newcombe's interval from both Wilson intervals.

    R. G. Newcombe, Statistics in Medicine 17, 1998, method 10.
    """
    value = now.value - before.value
    low = value - math.hypot(now.value - now.low, before.high - before.value)
    high = value + math.hypot(now.high - now.value, before.value - before.low)
    return Difference(value, low, high)


def of_counts(now: int, before: int, share: float) -> Difference | None:
    """How much more, relative to before: 0.02 is two percent. ``share`` is the part of ``before`` 's time that ``now``
    has counted so far. None without a count before or without time.

    Of the events of both periods, those of now are a proportion (Wilson); its interval is turned into that of the ratio
    (Przyborowski and Wilenski, Biometrika 31, 1940, compare Poisson counts in this way).
    """
    if not before or share <= 0.0:
        return None
    low, high = wilson(now, now + before)

    def relative(part: float) -> float:
        return math.inf if part >= 1.0 else part / (1.0 - part) / share - 1.0

    return Difference(now / before / share - 1.0, relative(low), relative(high))
