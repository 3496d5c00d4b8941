"""Tumbling event-time windows, as arithmetic on milliseconds since the epoch."""

from __future__ import annotations

from enum import StrEnum

WINDOW_NAMES = {60: "1min", 300: "5min"}
"""Name of each window size in seconds, as in ``metrics_1min``."""


class WindowState(StrEnum):
    """How much a window can still change, judged by the watermark W of the job that counts it."""

    LIVE = "live"
    """W has not reached the window's end: counts rise as events come."""
    CLOSED = "closed"
    """W ≥ end: only late-but-allowed events still change it."""
    FINAL = "final"
    """W ≥ end + allowed lateness + record slack: it never changes again."""


def window_start_seconds(event_time_ms: int, size_seconds: int) -> int:
    """Start, in seconds since the epoch, of the window that holds an event time."""
    return event_time_ms // (size_seconds * 1000) * size_seconds


def window_state(
    start_seconds: int, size_seconds: int, watermark_ms: int | None, final_after_seconds: int
) -> WindowState:
    """State of a window; without a watermark (no job has published one) it is live."""
    if watermark_ms is None:
        return WindowState.LIVE
    end_ms = (start_seconds + size_seconds) * 1000
    if watermark_ms >= end_ms + final_after_seconds * 1000:
        return WindowState.FINAL
    return WindowState.CLOSED if watermark_ms >= end_ms else WindowState.LIVE
