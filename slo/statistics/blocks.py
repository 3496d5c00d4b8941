"""Time blocks: what is resampled instead of single samples.

A stall of a second makes thousands of neighbouring events slow at once, so a thousand slow events are not a thousand
independent pieces of evidence. Blocks longer than the correlation are nearly independent of each other (H. Künsch,
"The Jackknife and the Bootstrap for General Stationary Observations", Annals of Statistics 17, 1989).
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]

BLOCK_SECONDS = 5.0
FEWEST_BLOCKS = 12
"""Shorter runs get shorter blocks, so that there is something to resample."""
MOST_BLOCKS = 400
"""Longer runs get longer blocks, which loses nothing and bounds the work."""
RESAMPLES = 4000
SEED = 20_160_326
"""Judging the same recording twice must say the same."""
CONFIDENCE = 0.95
_EXACT_BELOW = 4


def in_order(times: Floats, values: npt.NDArray[np.generic]) -> tuple[Floats, npt.NDArray[np.generic]]:
    """Both sorted by time; as they are if they are sorted already."""
    if np.all(times[1:] >= times[:-1]):
        return times, values
    order = np.argsort(times, kind="stable")
    return times[order], values[order]


def block_starts(times: Floats, block_seconds: float = BLOCK_SECONDS, most: int = MOST_BLOCKS) -> Longs:
    """Where each block that is not empty begins, as positions in ``times`` (sorted, seconds, at least one)."""
    span = float(times[-1] - times[0])
    length = max(min(block_seconds, span / FEWEST_BLOCKS), span / most)
    if length <= 0:
        return np.zeros(1, dtype=np.int64)
    edges = times[0] + length * np.arange(math.ceil(span / length))
    starts: Longs = np.unique(np.searchsorted(times, edges, side="left"))
    return starts


def draws(blocks: int, resamples: int, rng: np.random.Generator) -> Longs:
    """Which blocks each resample is made of: one row per resample, as many blocks as there are, with replacement."""
    return rng.integers(blocks, size=(resamples, blocks))


def tails(blocks: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """The quantiles of the bootstrap distribution that bound the interval.

    Few blocks make the plain percentile interval too narrow; this is the expanded one of T. Hesterberg, "What Teachers
    Should Know about the Bootstrap" (2014), section 3.3: as much wider as Student's t is than the normal distribution.
    """
    freedom = max(blocks - 1, 1)
    expanded = student_t((1.0 + confidence) / 2.0, freedom) * math.sqrt(blocks / freedom)
    tail = NormalDist().cdf(-expanded)
    return tail, 1.0 - tail


def student_t(probability: float, freedom: int) -> float:
    """Quantile of Student's t (Abramowitz and Stegun 26.7.5), to 1 % from 4 degrees of freedom on; below by numbers."""
    if freedom < _EXACT_BELOW:
        # With t = √freedom · tan θ the density is cos^(freedom - 1) θ.
        angles = np.linspace(-np.pi / 2, np.pi / 2, 20_001)[1:-1]
        below = np.cumsum(np.cos(angles) ** (freedom - 1))
        return math.sqrt(freedom) * math.tan(float(np.interp(probability, below / below[-1], angles)))
    z = NormalDist().inv_cdf(probability)
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / freedom + second / freedom**2 + third / freedom**3
