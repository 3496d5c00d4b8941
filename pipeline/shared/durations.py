"""Durations as text: a number and a unit, for example ``60s`` or ``5m``."""

from __future__ import annotations

import re

UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}

ALLOWED = "a number and ms, s, m, h or d, for example 60s or 5m"


def duration_seconds(text: str) -> float | None:
    """Seconds of a duration; None if it is not one, or is 0."""
    found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)(ms|s|m|h|d)", text, re.ASCII)
    if found is None or float(found[1]) == 0:
        return None
    return float(found[1]) * UNIT_SECONDS[found[2]]
