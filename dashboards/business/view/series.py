"""CTR over time: rows of a chart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from dashboards.business.past import FIVE_MINUTES, MINUTE
from dashboards.business.snapshot import MOST_MINUTES, Earlier, Snapshot
from dashboards.business.view.rate import Rate, counts_of, rate_of
from pipeline.cache.breakdown import CategoryWindow
from pipeline.contract.windows import WindowState, window_state

NAMES = {MINUTE: "1 minute", FIVE_MINUTES: "5 minutes"}
CLOSED, LIVE = "closed", "still counting"


@dataclass(frozen=True)
class Point:
    """A window with impressions. ``part`` is the stretch of line that it belongs to: the last closed window begins the
    stretch that leads to the live one, so it is there twice, and only once ``marked``.
    """

    at: datetime
    start_seconds: int
    size_seconds: int
    rate: Rate
    part: str
    marked: bool = True


def ctr_points(snapshot: Snapshot, range_seconds: int, category: str | None) -> list[Point]:
    """Windows of 5 minutes over the range, and of a minute where the range is short enough to tell them apart."""
    points = list(_points(snapshot.windows, snapshot.watermark_ms, category))
    if range_seconds <= MOST_MINUTES * MINUTE:
        minutes = snapshot.minutes[-(range_seconds // MINUTE) :]
        points += _points(minutes, snapshot.watermark_ms, category)
    return points


def earlier_points(earlier: Earlier, category: str | None) -> list[Point]:
    """The 5-minute windows compared with, drawn where those are that they are compared to."""
    found = []
    for window in earlier.windows:
        rate = rate_of(counts_of(window, category))
        if rate is not None:
            at = datetime.fromtimestamp(window.start_seconds + earlier.offset_seconds + FIVE_MINUTES / 2, UTC)
            found.append(Point(at, window.start_seconds, FIVE_MINUTES, rate, CLOSED))
    return found


def _points(windows: Sequence[CategoryWindow], watermark_ms: int | None, category: str | None) -> Iterator[Point]:
    last: Point | None = None
    for window in windows:
        rate = rate_of(counts_of(window, category))
        if rate is None:
            continue
        start, size = window.start_seconds, window.size_seconds
        live = window_state(start, size, watermark_ms, 0) is WindowState.LIVE
        at = datetime.fromtimestamp(start + size / 2, UTC)
        if live and last is not None and last.part == CLOSED:
            yield Point(last.at, last.start_seconds, size, last.rate, LIVE, marked=False)
        last = Point(at, start, size, rate, LIVE if live else CLOSED)
        yield last
