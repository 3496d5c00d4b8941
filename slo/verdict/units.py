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
