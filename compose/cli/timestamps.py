"""Moments on the command line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from compose.process.errors import UsageError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_moment_ms(option: str, text: str) -> int:
    """Milliseconds since the epoch of an ISO 8601 time with a zone. Raises UsageError naming the option."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise UsageError(f"{option} {text!r}: must be a time with its zone, like 2026-01-31T12:00:00Z")
    return (moment - _EPOCH) // timedelta(milliseconds=1)
