"""Durations on the command line."""

from __future__ import annotations

from compose.errors import UsageError
from pipeline.durations import ALLOWED, duration_seconds


def parse_duration_seconds(option: str, text: str) -> float:
    """Seconds of a duration. Raises UsageError naming the option."""
    seconds = duration_seconds(text)
    if seconds is None:
        raise UsageError(f"{option} {text}: must be {ALLOWED}")
    return seconds
