"""Compares ``raw_events`` with the fold and with what was replayed, row by row: origin, flag and every column."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from psycopg2 import extensions, sql

from pipeline.topic_reader import OffsetRange
from slo.reconciliation.compare import Difference, Differences, StoredRows, compare_rows, has_row
from slo.reconciliation.fold import Fold
from slo.reconciliation.mended import Mending
from slo.reconciliation.row_hash import SQL, Hashes, row_hashes

RAW_EVENTS = "postgres.raw_events"
_COLUMNS = (
    ("partition", "kafka_partition", ">i4"),
    ("offset", "kafka_offset", ">i8"),
    ("late", "late", "u1"),
    ("event_time", "event_time", ">i8"),
    ("record_time", "record_time", ">i8"),
    ("hash", SQL, ">u8"),
)
"""Name, expression in SQL, and the form of its value in a binary COPY."""
_ROW = np.dtype(
    [("columns", ">i2"), *(part for name, _, form in _COLUMNS for part in ((f"{name}_size", ">i4"), (name, form)))]
)
"""One row of ``COPY … (FORMAT binary)``."""
_COPY_HEADER_BYTES = 19


def compare_raw_events(connection: extensions.connection, fold: Fold, mending: Mending) -> tuple[Differences, int]:
    """The differences, and how many records' rows retention has dropped. Raises psycopg2.Error."""
    found = Differences()
    stored, foreign = stored_rows(connection, fold.ranges, mending.row_hashes(fold.row_hashes, fold.ranges))
    if foreign:
        found.add([Difference(RAW_EVENTS, "rows of partitions that the topic doesn't have", 0, foreign)])
    marks = mending.marks(fold.marks, fold.ranges)
    for partition, offsets in fold.ranges.items():
        here = compare_rows(
            RAW_EVENTS, partition, offsets.start, marks[partition], stored[partition], fold.dropped[partition]
        )
        found.add(here.listed)
        found.add_unlisted(here.total - len(here.listed))
    return found, sum(int((dropped & has_row(fold.marks[part])).sum()) for part, dropped in fold.dropped.items())


def stored_rows(
    connection: extensions.connection, ranges: Mapping[int, OffsetRange], expected: Mapping[int, Hashes]
) -> tuple[dict[int, StoredRows], int]:
    """The rows of raw_events within the ranges, and how many rows name a partition outside of them.

    ``expected``: by partition what each offset's row must hash to.
    """
    reader = RowReader(ranges, expected)
    columns = sql.SQL(", ".join(expression for _, expression, _ in _COLUMNS))
    with connection.cursor() as cursor:
        cursor.copy_expert(
            sql.SQL("COPY (SELECT {} FROM realtime.raw_events) TO STDOUT (FORMAT binary)").format(columns), reader
        )
    reader.flush()
    return reader.stored, reader.foreign_partitions


class RowReader:
    """File-like target of a binary COPY that sorts rows into their partitions as they come."""

    def __init__(self, ranges: Mapping[int, OffsetRange], expected: Mapping[int, Hashes]) -> None:
        self.ranges = ranges
        self.stored = {partition: StoredRows.none_of(expected[partition]) for partition in ranges}
        self.foreign_partitions = 0
        self._rest = bytearray()  # psycopg2 calls `write` for each row: bytes would be copied for each
        self._header_left = _COPY_HEADER_BYTES

    def write(self, data: bytes) -> None:
        skipped = min(self._header_left, len(data))
        self._header_left -= skipped
        self._rest += data[skipped:]
        if len(self._rest) > 1 << 20:
            self.flush()

    def flush(self) -> None:
        """Takes in the complete rows; what remains in the end is COPY's two-byte trailer."""
        complete = len(self._rest) // _ROW.itemsize * _ROW.itemsize
        rows: Any = np.frombuffer(self._rest[:complete], dtype=_ROW)
        del self._rest[:complete]
        known = 0
        for partition, offsets in self.ranges.items():
            ours = rows[rows["partition"] == partition]
            known += len(ours)
            at = ours["offset"].astype(np.int64) - offsets.start
            inside = (at >= 0) & (at < len(offsets))
            ours = ours[inside]
            times = (ours[name].astype(np.int64) for name in ("event_time", "record_time"))
            hashes = row_hashes(ours["hash"].astype(np.uint64), *times)
            self.stored[partition].add(at[inside], ours["late"] != 0, hashes)
        self.foreign_partitions += len(rows) - known
