"""How fast a gauge grows: the Theil–Sen slope, which outliers and the teeth of a saw do not move.

The slope is the median of the slopes between all pairs of points, its interval comes from the distribution of Kendall's
S (P. K. Sen, JASA 63, 1968). That supposes independent points, and checkpoints and memory are not. So points are first
summed up in blocks by their median, and the variance of S is then enlarged by the correlation that is left (K. H. Hamed
and A. R. Rao, "A modified Mann–Kendall trend test for autocorrelated data", Journal of Hydrology 204, 1998).

A median of slopes has two blind spots, and two more estimates widen the interval for them.

- Noise that adds up (a random walk, steps at random) has no correlation that could be corrected. Where what the line
  leaves is strongly correlated, the interval also holds that of the mean increment between ten segments (batch means
  of the increments, with Student's t).
- One step near an end of the run moves few of the slopes. So the upper end is never below what the gauge has risen from
  the first third of the run to the last: by its floor or by its ceiling, whichever is more. The teeth of a saw move
  neither.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from slo.statistics.blocks import CONFIDENCE, Floats, Longs, in_order, student_t

MOST_POINTS = 120
"""More raw points than this are summed up: 7,140 pairs are enough for any slope."""
FEWEST_POINTS = 8
"""Below it no interval of 95 % is worth its name."""
_SECONDS_PER_HOUR = 3600.0
_STRONGEST_CORRELATION = 0.98
_LENGTH_OF_TIME = 0.25
"""Of the whole span. With correlations of 0.9 to 1 as many intervals hold the truth as with all slopes."""
_ADDS_UP = 0.7
"""From this correlation of neighbours on, noise may be a random walk. One of 120 points shows 0.85 and more."""
_SEGMENTS = 10
_MEDIANS_SMOOTHE = 1.5
"""The variance of a random walk's increments over that of the increments between the medians of its segments."""
_EXTREME = 0.02
"""Of a third of the run, this share of the points may lie below its floor or above its ceiling: outliers."""
_ROUNDING = 1e-9
"""What is left of an exact line is rounding, of a size relative to the values, and no correlated noise."""


@dataclass(frozen=True)
class Growth:
    """A slope per hour with its confidence interval. ``at_seconds`` and ``level`` are a point on the line."""

    per_hour: float
    low: float
    high: float
    points: int
    at_seconds: float
    level: float


def growth(times: Floats, values: Floats) -> Growth | None:
    """The robust slope of ``values`` over ``times`` (seconds); None where the points are too few for an interval."""
    times, ordered = in_order(times, values)
    hours, levels = _summed_up(times, ordered.astype(np.float64))
    count = len(hours)
    if count < FEWEST_POINTS or hours[-1] <= hours[0]:
        return None
    first, second = np.triu_indices(count, k=1)
    apart = hours[second] - hours[first]
    unsorted, apart = (levels[second] - levels[first])[apart > 0] / apart[apart > 0], apart[apart > 0]
    slopes = np.sort(unsorted)
    slope = float(np.median(slopes))
    correlation = _correlation(levels - slope * hours, float(np.abs(levels).max()))
    reach = _reach(count, correlation)
    if reach >= len(slopes):
        # Noise that is too much alike to say more leaves all slopes possible that were seen over any length of time.
        # Between neighbours one step of a staircase would be a slope of hundreds.
        long = unsorted[apart >= _LENGTH_OF_TIME * (hours[-1] - hours[0])]
        low, high = long.min(), long.max()
    else:
        low = slopes[math.floor((len(slopes) - reach) / 2)]
        high = slopes[min(math.ceil((len(slopes) + reach) / 2), len(slopes) - 1)]
    if correlation > _ADDS_UP:
        least, most = _of_increments(hours, levels)
        low, high = min(low, least), max(high, most)
    risen = _risen(times, ordered.astype(np.float64))
    high = max(high, risen) if risen > 0.0 else high
    middle = float(np.median(hours))
    level = float(np.median(levels - slope * (hours - middle)))
    return Growth(slope, float(low), float(high), count, middle * _SECONDS_PER_HOUR + float(times[0]), level)


def _summed_up(times: Floats, values: Floats) -> tuple[Floats, Floats]:
    """At most ``MOST_POINTS`` points: the medians of equal blocks of time, in hours since the first."""
    hours = (times - times[0]) / _SECONDS_PER_HOUR if len(times) else times
    if len(times) <= MOST_POINTS:
        return hours, values
    starts = _equal_blocks(hours)
    ends = [*starts[1:].tolist(), len(hours)]
    pairs = [slice(start, end) for start, end in zip(starts.tolist(), ends, strict=True)]
    return np.array([np.median(hours[part]) for part in pairs]), np.array([np.median(values[part]) for part in pairs])


def _equal_blocks(hours: Floats) -> Longs:
    edges = hours[0] + (hours[-1] - hours[0]) / MOST_POINTS * np.arange(MOST_POINTS)
    starts: Longs = np.unique(np.searchsorted(hours, edges, side="left"))
    return starts


def _reach(count: int, correlation: float) -> float:
    """How many of the sorted slopes the interval spans (R. Gilbert, "Statistical Methods for Environmental Pollution
    Monitoring", 1987, section 16.4).

    For a first-order autoregression correlation enlarges the variance of S by (1 + φ) ÷ (1 - φ) (Hamed and Rao's sum,
    written out); it never makes it smaller.
    """
    inflation = max((1.0 + correlation) / (1.0 - correlation), 1.0)
    variance = count * (count - 1) * (2 * count + 5) / 18.0 * inflation
    return NormalDist().inv_cdf((1.0 + CONFIDENCE) / 2.0) * math.sqrt(variance)


def _correlation(residuals: Floats, scale: float) -> float:
    """φ of neighbours, from the ranks of the residuals; 0 where there is nothing but rounding.

    φ estimated from what a fitted line leaves is too low by about (2 + 4φ) ÷ n (F. Marriott and J. Pope, Biometrika 41,
    1954), which is added.
    """
    count = len(residuals)
    if np.ptp(residuals) <= _ROUNDING * scale:
        return 0.0
    ranks = np.argsort(np.argsort(residuals, kind="stable"), kind="stable") - (count - 1) / 2.0
    correlation = float(ranks[:-1] @ ranks[1:]) / float(ranks @ ranks)
    return min(correlation + (2.0 + 4.0 * correlation) / count, _STRONGEST_CORRELATION)


def _of_increments(hours: Floats, levels: Floats) -> tuple[float, float]:
    """The interval of the mean increment per hour between the medians of segments of equally many points."""
    edges = np.linspace(0, len(hours), min(_SEGMENTS, len(hours) // 2) + 1).astype(int)
    parts = [slice(*pair) for pair in itertools.pairwise(edges.tolist())]
    at = np.array([np.median(hours[part]) for part in parts])
    height = np.array([np.median(levels[part]) for part in parts])
    increments = np.diff(height) / np.diff(at)
    mean = float(height[-1] - height[0]) / float(at[-1] - at[0])
    deviation = float(np.std(increments, ddof=1)) * math.sqrt(_MEDIANS_SMOOTHE / len(increments))
    reach = student_t((1.0 + CONFIDENCE) / 2.0, len(increments) - 1) * deviation
    return mean - reach, mean + reach


def _risen(times: Floats, values: Floats) -> float:
    """By how much per hour floor or ceiling of the last third lie above those of the first, two thirds earlier."""
    third = (times[-1] - times[0]) / 3.0
    first, last = values[times <= times[0] + third], values[times >= times[-1] - third]
    ends = (_EXTREME, 1.0 - _EXTREME)
    rise = float(np.max(np.quantile(last, ends) - np.quantile(first, ends)))
    apart = float(np.median(times[times >= times[-1] - third]) - np.median(times[times <= times[0] + third]))
    return rise / (apart / _SECONDS_PER_HOUR)
