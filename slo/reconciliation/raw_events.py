"""Compares ``raw_events`` with the fold and with what was replayed: origin by origin, and text by its size."""

from __future__ import annotations

from collections.abc import Callable

from psycopg2 import extensions

from slo.reconciliation import stores
from slo.reconciliation.compare import Contents, Difference, Differences, compare_contents, compare_origins, has_row
from slo.reconciliation.fold import Fold
from slo.reconciliation.mended import Mending

RAW_EVENTS = "postgres.raw_events"


def compare_raw_events(
    connection: extensions.connection, fold: Fold, mending: Mending, progress: Callable[[str], None]
) -> tuple[Differences, int]:
    """The differences, and how many records' rows retention has dropped. Raises psycopg2.Error."""
    found = Differences()
    progress("reading raw_events: origins")
    stored, foreign = stores.raw_event_origins(connection, fold.ranges)
    if foreign:
        found.add([Difference(RAW_EVENTS, "rows of partitions that the topic doesn't have", 0, foreign)])
    marks = mending.marks(fold.marks, fold.ranges)
    for partition, offsets in fold.ranges.items():
        here = compare_origins(
            RAW_EVENTS, partition, offsets.start, marks[partition], stored[partition], fold.dropped[partition]
        )
        found.add(here.listed)
        found.add_unlisted(here.total - len(here.listed))
    progress("reading raw_events: contents")
    _compare_contents(connection, fold, mending, found)
    return found, sum(int((dropped & has_row(fold.marks[part])).sum()) for part, dropped in fold.dropped.items())


def _compare_contents(connection: extensions.connection, fold: Fold, mending: Mending, found: Differences) -> None:
    tallies = {False: fold.counted, True: fold.late}

    def expected(start: int, late: bool) -> Contents:
        return mending.contents(start, late, tallies[late].minute_rows(start), fold.ranges)

    missing = {(start, late) for late, tally in tallies.items() for start in tally.windows(60)}
    missing |= mending.minutes(fold.ranges)
    unknown = fold.dropped_minutes | mending.dropped_minutes(fold.dropped, fold.ranges)
    for (start, late), got in stores.raw_event_contents(connection, fold.ranges):
        missing.discard((start, late))
        if start not in unknown:
            found.add(compare_contents(RAW_EVENTS, start, expected(start, late), got))
    for start, late in sorted(missing):
        if start not in unknown:
            found.add(compare_contents(RAW_EVENTS, start, expected(start, late), {}))
