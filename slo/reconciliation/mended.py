"""What replays and recounts change about what the stores must hold. Pure: data in, expectations and differences out.

The fold says what the jobs make of the topic. A replay adds events that the topic holds as invalid records; a recount
covers exactly the replays whose revision is smaller than its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from pipeline.contract.cache_schema import ZERO, Counts
from pipeline.contract.codec import AdEvent
from pipeline.contract.rules import Fate, fate_of_valid
from pipeline.topic_reader import OffsetRange
from slo.reconciliation.compare import Difference
from slo.reconciliation.fold import Mark, Origin
from slo.reconciliation.row_hash import Hashes, hash_events
from slo.reconciliation.tally import Cell, CellCounts

STORE = "postgres.replayed_events"
Marks = Mapping[int, npt.NDArray[np.uint8]]


@dataclass(frozen=True)
class Replayed:
    """A repaired event, as `adctr dlq replay` noted it."""

    partition: int
    offset: int
    record_time_ms: int
    event: AdEvent
    late: bool
    revision: int

    @property
    def origin(self) -> Origin:
        """(partition, offset) of the rejected record."""
        return self.partition, self.offset


@dataclass
class Mending:
    """All replays and, per (size, start), the revision of each window that was recounted."""

    replays: list[Replayed] = field(default_factory=list)
    recounted: dict[tuple[int, int], int] = field(default_factory=dict)

    def within(self, ranges: Mapping[int, OffsetRange]) -> list[Replayed]:
        """The replays whose origin the topic still has."""
        return [one for one in self.replays if (r := ranges.get(one.partition)) and r.start <= one.offset < r.end]

    def unexplained(
        self, marks: Marks, ranges: Mapping[int, OffsetRange], lateness_seconds: int
    ) -> Iterator[Difference]:
        """Replays of records that nobody rejected, or with a flag that the rules deny."""
        for one in self.within(ranges):
            mark = Mark(int(marks[one.partition][one.offset - ranges[one.partition].start]))
            if mark is not Mark.INVALID:
                yield Difference(
                    STORE, "replayed, though not rejected", "an invalid record", mark.name.lower(),
                    partition=one.partition, offset=one.offset,
                )  # fmt: skip
            fate = fate_of_valid(one.event.event_time, one.record_time_ms, lateness_seconds)
            if fate is not (Fate.LATE if one.late else Fate.COUNTED):
                yield Difference(
                    STORE, "wrong flag", str(fate), "late" if one.late else "counted",
                    partition=one.partition, offset=one.offset,
                )  # fmt: skip

    def repeated(self, held: Iterable[str]) -> Iterator[Difference]:
        """Replays of an event that is counted anyhow: by an earlier one, or as its id is ``held`` by a record."""
        seen = set(held)
        for one in sorted(self.replays, key=lambda each: (each.revision, each.origin)):
            event_id = one.event.event_id
            if event_id in seen:
                yield Difference(
                    STORE, "repeated event id", "a new id", event_id, partition=one.partition, offset=one.offset
                )
            seen.add(event_id)

    def marks(self, marks: Marks, ranges: Mapping[int, OffsetRange]) -> dict[int, npt.NDArray[np.uint8]]:
        """The fates by which raw_events must hold rows: those of the topic, and those of what was replayed."""
        mended = {partition: array.copy() for partition, array in marks.items()}
        for one in self.within(ranges):
            at = one.offset - ranges[one.partition].start
            mended[one.partition][at] = Mark.LATE if one.late else Mark.COUNTED
        return mended

    def row_hashes(self, hashes: Mapping[int, Hashes], ranges: Mapping[int, OffsetRange]) -> dict[int, Hashes]:
        """What rows must hash to: those of the topic, and those of what was replayed."""
        replays = self.within(ranges)
        mended = dict(hashes) | {one.partition: hashes[one.partition].copy() for one in replays}
        found = hash_events([one.event for one in replays], [one.record_time_ms for one in replays])
        for one, row_hash in zip(replays, found, strict=True):
            mended[one.partition][one.offset - ranges[one.partition].start] = row_hash
        return mended

    def window(self, size_seconds: int, start_seconds: int, counted: CellCounts) -> CellCounts:
        """What holds of a window: as the jobs count it, and with the replays that its last recount saw."""
        revision = self.recounted.get((size_seconds, start_seconds))
        if revision is None:
            return counted
        cells = dict(counted)
        for one in self._of_window(size_seconds, start_seconds):
            if one.revision < revision:
                click = one.event.event_type == "CLICK"
                cells[_cell(one)] = cells.get(_cell(one), ZERO) + Counts(int(not click), int(click))
        return cells

    def awaiting_recount(self, sizes: Iterable[int]) -> int:
        """Replayed events that some window of theirs doesn't show yet."""
        return sum(
            any(self.recounted.get((size, _start(one, size)), -1) < one.revision for size in sizes)
            for one in self.replays
            if not one.late
        )

    def _of_window(self, size_seconds: int, start_seconds: int) -> Iterator[Replayed]:
        return (one for one in self.replays if not one.late and _start(one, size_seconds) == start_seconds)


def _cell(one: Replayed) -> Cell:
    return one.event.campaign_id, one.event.category


def _start(one: Replayed, size_seconds: int) -> int:
    return one.event.event_time // (size_seconds * 1000) * size_seconds
