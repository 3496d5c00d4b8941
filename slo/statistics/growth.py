"""How fast a gauge grows: the Theil–Sen slope, which outliers and the teeth of a saw do not move.

The slope is the median of the slopes between all pairs of points, its interval comes from the distribution of Kendall's
S (P. K. Sen, JASA 63, 1968). That supposes independent points, and checkpoints and memory are not. So points are first
summed up in blocks by their median, and the variance of S is then enlarged by the correlation that is left (K. H. Hamed
and A. R. Rao, "A modified Mann–Kendall trend test for autocorrelated data", Journal of Hydrology 204, 1998).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from slo.statistics.blocks import CONFIDENCE, Floats, Longs, in_order

MOST_POINTS = 120
"""More raw points than this are summed up: 7,140 pairs are enough for any slope."""
FEWEST_POINTS = 8
"""Below it no interval of 95 % is worth its name."""
_SECONDS_PER_HOUR = 3600.0
_STRONGEST_CORRELATION = 0.98
_LENGTH_OF_TIME = 0.25
"""Of the whole span. With correlations of 0.9 to 1 as many intervals hold the truth as with all slopes."""
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
    reach = _reach(hours, levels, slope)
    if reach >= len(slopes):
        # Noise that is too much alike to say more leaves all slopes possible that were seen over any length of time.
        # Between neighbours one step of a staircase would be a slope of hundreds.
        long = unsorted[apart >= _LENGTH_OF_TIME * (hours[-1] - hours[0])]
        low, high = long.min(), long.max()
    else:
        low = slopes[math.floor((len(slopes) - reach) / 2)]
        high = slopes[min(math.ceil((len(slopes) + reach) / 2), len(slopes) - 1)]
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


def _reach(hours: Floats, levels: Floats, slope: float) -> float:
    """How many of the sorted slopes the interval spans (R. Gilbert, "Statistical Methods for Environmental Pollution
    Monitoring", 1987, section 16.4).
    """
    count = len(levels)
    inflation = _inflation(levels - slope * hours, float(np.abs(levels).max()))
    variance = count * (count - 1) * (2 * count + 5) / 18.0 * inflation
    return NormalDist().inv_cdf((1.0 + CONFIDENCE) / 2.0) * math.sqrt(variance)


def _inflation(residuals: Floats, scale: float) -> float:
    """How much correlation enlarges the variance of S, from the ranks of the residuals; at least 1.

    For a first-order autoregression it is (1 + φ) ÷ (1 - φ) (Hamed and Rao's sum, written out). φ estimated from what a
    fitted line leaves is too low by about (2 + 4φ) ÷ n (F. Marriott and J. Pope, Biometrika 41, 1954), which is added.
    """
    count = len(residuals)
    if np.ptp(residuals) <= _ROUNDING * scale:
        return 1.0
    ranks = np.argsort(np.argsort(residuals, kind="stable"), kind="stable") - (count - 1) / 2.0
    correlation = float(ranks[:-1] @ ranks[1:]) / float(ranks @ ranks)
    corrected = min(correlation + (2.0 + 4.0 * correlation) / count, _STRONGEST_CORRELATION)
    return max((1.0 + corrected) / (1.0 - corrected), 1.0)
