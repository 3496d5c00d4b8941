"""Durations on the command line."""

from __future__ import annotations

import re

from compose.process.errors import UsageError
from pipeline.shared.durations import ALLOWED, duration_seconds


def parse_duration_seconds(option: str, text: str, *, zero: bool = False, bare_seconds: bool = False) -> float:
    """Seconds of a duration. Raises UsageError naming the option.

    ``zero`` allows a duration of 0, ``bare_seconds`` a number without a unit.
    """
    if bare_seconds and re.fullmatch(r"[\d.]+", text, re.ASCII):
        text += "s"
    if zero and re.fullmatch(r"0(ms|s|m|h|d)", text):
        return 0.0
    seconds = duration_seconds(text)
    if seconds is None:
        raise UsageError(f"{option} {text}: must be {ALLOWED}")
    return seconds
