"""The chart's windows as a file."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import zip_longest

from dashboards.business.components import csv_file
from dashboards.business.snapshot import Earlier, Snapshot
from dashboards.business.view.rate import counts_of, rate_of
from pipeline.cache.breakdown import CategoryWindow
from pipeline.contract.cache_schema import Counts
from pipeline.contract.windows import window_state

COLUMNS = ("window_start", "window_seconds", "state", "impressions", "clicks", "ctr", "ctr_low", "ctr_high",
           "earlier_window_start", "earlier_impressions", "earlier_clicks", "earlier_ctr")  # fmt: skip


def render(shown: Snapshot, earlier: Earlier | None, category: str | None, file_name: str) -> None:
    rows = csv_rows(shown, earlier, category)
    csv_file.download("Download series as CSV", COLUMNS, rows, file_name, "download-series")


def csv_rows(shown: Snapshot, earlier: Earlier | None, category: str | None) -> list[tuple[csv_file.Value, ...]]:
    """Every 5-minute window of the range, in the order of `COLUMNS`; empty fields where nothing is compared."""
    before = earlier.windows if earlier is not None else ()
    return [
        (*_now(window, shown.watermark_ms, category), *_earlier(other, category))
        for window, other in zip_longest(shown.windows, before[: len(shown.windows)])
    ]


def _now(window: CategoryWindow, watermark_ms: int | None, category: str | None) -> tuple[csv_file.Value, ...]:
    counts = counts_of(window, category)
    rate = rate_of(counts)
    state = window_state(window.start_seconds, window.size_seconds, watermark_ms, 0)
    ends = (rate.value, rate.low, rate.high) if rate else (None, None, None)
    return (_iso(window), window.size_seconds, "live" if state == "live" else "closed", *_both(counts), *ends)


def _earlier(window: CategoryWindow | None, category: str | None) -> tuple[csv_file.Value, ...]:
    if window is None:
        return (None, None, None, None)
    counts = counts_of(window, category)
    return (_iso(window), *_both(counts), counts.ctr)


def _both(counts: Counts) -> tuple[int, int]:
    return counts.impressions, counts.clicks


def _iso(window: CategoryWindow) -> str:
    return f"{datetime.fromtimestamp(window.start_seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
