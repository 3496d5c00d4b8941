"""Units of indicators, and shares in words."""

from __future__ import annotations

import math

from slo.spec.model import Indicator

_OTHERWISE = {Indicator.REDIS_KEYS_WITHOUT_TTL: "keys"}


def unit_of(indicator: Indicator) -> str:
    """``seconds``, ``bytes``, ``keys``, ``records``, ``differences``."""
    return _OTHERWISE.get(indicator, indicator.value.rsplit("_", 1)[-1])


def percent(share: float) -> str:
    """A share as percent without the sign, three digits at most, cut off so that only 1.0 reads as 100."""
    return f"{math.floor(share * 100_000 + 1e-6) / 1000:.3f}".rstrip("0").rstrip(".")


def duration(seconds: float) -> str:
    """``52 s``, ``14 min``, ``3.5 h``: rounded up, as it is a lower limit."""
    if seconds < 120:
        return f"{math.ceil(seconds)} s"
    if seconds < 7200:
        return f"{math.ceil(seconds / 60)} min"
    return f"{math.ceil(seconds / 360) / 10:.1f} h"
