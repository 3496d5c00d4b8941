"""How sure a rate is that was counted, as an interval: 1 click of 2 impressions is anything from 9 % to 91 %."""

from __future__ import annotations

import math
from statistics import NormalDist

CONFIDENCE = 0.95


def wilson(good: float, total: float, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """The interval for independent samples (E. B. Wilson, JASA 22, 1927); effective numbers need not be whole.

    Raises ZeroDivisionError for a total of 0: a rate of nothing has no interval.
    """
    z = NormalDist().inv_cdf((1.0 + confidence) / 2.0)
    share = good / total
    middle = share + z**2 / (2 * total)
    half = z * math.sqrt(share * (1 - share) / total + z**2 / (4 * total**2))
    scale = 1 + z**2 / total
    # Rounding must not keep the ends of "all" and "none" from being 1 and 0.
    low = 0.0 if good == 0 else (middle - half) / scale
    high = 1.0 if good == total else (middle + half) / scale
    return low, high
