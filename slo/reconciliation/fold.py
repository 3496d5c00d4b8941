"""The truth: what the records of a topic, taken one by one, say every store must hold.

A fold sees each record of a range of offsets once and applies the rules of `pipeline.contract.rules`; it shares no code
with the Flink jobs. It keeps, in 19 bytes per record, the fate of every offset, a hash of its event id and one of its
row in raw_events, and beside that the counts per window and cell and a digest of each record that belongs into a
letter topic.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from pipeline.contract import letter_headers, letter_size
from pipeline.contract.codec import AdEvent, Decoder
from pipeline.contract.reasons import Reason
from pipeline.contract.rules import EARLIEST_RECORD_TIME_MS, LATEST_RECORD_TIME_MS, MAX_AHEAD_MS, Fate, classify
from pipeline.topic_reader import OffsetRange
from slo.reconciliation.row_hash import Hashes, hash_events, postgres_time, row_hashes
from slo.reconciliation.scan import Columns, Flags, Longs, scan
from slo.reconciliation.tally import Names, Tally

Headers = Iterable[tuple[str, bytes | None]]
Origin = tuple[int, int]
"""(partition, offset) of a record on the events topic."""


_DIGEST_BYTES = 16


class Mark(IntEnum):
    """The fate of an offset, in one byte."""

    UNSEEN = 0
    COUNTED = 1
    LATE = 2
    INVALID = 3
    TOMBSTONE = 4


_MARK_OF = {
    Fate.COUNTED: Mark.COUNTED,
    Fate.LATE: Mark.LATE,
    Fate.INVALID: Mark.INVALID,
    Fate.TOMBSTONE: Mark.TOMBSTONE,
}


OTHER_REASONS = "other reasons"
_MOST_REASONS = 100


@dataclass(frozen=True)
class RecordBatch:
    """Consecutive records of one partition, column by column. ``key`` and ``headers`` are asked for rejects only."""

    partition: int
    offsets: Sequence[int]
    record_times_ms: Sequence[int]
    values: Sequence[bytes | None]
    key: Callable[[int], bytes | None] = lambda _: None
    headers: Callable[[int], Headers | None] = lambda _: ()


def digest(key: bytes | None, value: bytes | None, headers: Headers | None, record_time_ms: int) -> bytes:
    """Digest of everything that a letter must keep of its record (`letter_size.kept`).

    Of the headers that is the last value of each name. Those with a null value don't count: Flink holds headers as a
    map and its Kafka sink writes no null into it. Nor do those that say why a record was
    rejected: a record that carries them is somebody's dead letter that was sent again.
    Where the headers can't be read (None) the digest ends before theirs.
    """
    whole = digest_of_kept(letter_size.kept(key, value, headers or ()), record_time_ms)
    return whole if headers is not None else whole[:_DIGEST_BYTES]


def digest_of_kept(kept: letter_size.Kept, record_time_ms: int) -> bytes:
    """The digest from what a letter has: one of all but the headers, and one of these."""
    shortened = None if kept.shortened is None else str(kept.shortened).encode()
    headers: list[bytes | None] = []
    for name, content in sorted(kept.headers.items()):
        if not name.startswith(letter_headers.PREFIX):
            headers += [name.encode(), content]
    return _hash([kept.key, kept.value, str(record_time_ms).encode(), shortened]) + _hash(headers)


def _hash(parts: Iterable[bytes | None]) -> bytes:
    hasher = hashlib.blake2b(digest_size=_DIGEST_BYTES)
    for part in parts:
        hasher.update(b"-" if part is None else b"%d:" % len(part))
        hasher.update(part or b"")
    return hasher.digest()


class IdCounter:
    """How often each sequence number of one load run was seen; event ids are ``<run_id>-<seq>``."""

    def __init__(self, run_id: str, limit: int) -> None:
        self.prefix = f"{run_id}-".encode()
        self.counts = np.zeros(limit, dtype=np.uint16)
        self.invalid = np.zeros(limit, dtype=np.uint16)
        """The same of records that decode and are invalid: apart, as its repaired event may be sent again."""
        self.foreign: list[bytes] = []
        """Ids that carry the run's prefix and no number below the limit."""

    def add(self, ids: Sequence[bytes], *, valid: bool = True) -> Flags:
        """Counts those of a batch's event ids that belong to the run; returns which ones do."""
        size, prefix, limit = len(self.prefix), self.prefix, len(self.counts)
        ours = [event_id.startswith(prefix) for event_id in ids]
        numbers = []
        for event_id in itertools.compress(ids, ours):
            text = event_id[size:]
            number = int(text) if text.isdigit() and len(text) < 19 else limit
            if number < limit:
                numbers.append(number)
            else:
                self.foreign.append(event_id)
        np.add.at(self.counts if valid else self.invalid, numbers, 1)
        return np.asarray(ours, dtype=np.bool_)


class Fold:
    """Folds ranges of offsets of the events topic; feed it every record with `add`.

    Records older than ``dropped_before_ms`` count
    like others, and are noted as such: raw_events no longer has them.
    """

    def __init__(
        self,
        ranges: Mapping[int, OffsetRange],
        decoder: Decoder,
        allowed_lateness_seconds: int,
        names: Names | None = None,
        runs: Sequence[IdCounter] = (),
        dropped_before_ms: int = 0,
    ) -> None:
        self.ranges = dict(ranges)
        self.names = names or Names()
        self.counted = Tally(self.names)
        self.runs = runs
        self._prefix_sizes = {len(run.prefix) for run in runs}
        self.marks = {part: np.zeros(len(r), dtype=np.uint8) for part, r in self.ranges.items()}
        self.dropped = {part: np.zeros(len(r), dtype=np.bool_) for part, r in self.ranges.items()}
        self.in_a_run = {part: np.zeros(len(r), dtype=np.bool_) for part, r in self.ranges.items()}
        """Records that decode and whose event id belongs to one of ``runs``."""
        self.id_hashes = {part: np.zeros(len(r), dtype=np.int64) for part, r in self.ranges.items()}
        self.row_hashes: dict[int, Hashes] = {
            part: np.zeros(len(r), dtype=np.uint64) for part, r in self.ranges.items()
        }
        """What the row of each counted or late record must hash to (`row_hash`)."""
        self.digests: dict[Mark, dict[Origin, bytes]] = {Mark.LATE: {}, Mark.INVALID: {}}
        self.reason_codes: dict[Origin, Reason | None] = {}
        """Of the invalid records; late events all have the same reason."""
        self.letter_times_ms: dict[Origin, int] = {}
        """Record times of what ``digests`` has."""
        self.reasons: dict[str, int] = {}
        self.first_record_time_ms: dict[int, int] = {}
        self._dropped_before_ms = dropped_before_ms
        self._decoder = decoder
        self._lateness_seconds = allowed_lateness_seconds
        self._cell_of_slice: dict[bytes, int] = {}

    def add(self, batch: RecordBatch) -> None:
        """Folds a batch; raises RegistryUnavailable when a schema has to be asked for and can't be."""
        if not len(batch.offsets):
            return
        values = [value or b"" for value in batch.values]
        with self._decoder.batch(batch.values):
            self._fold(batch, scan(values, self._decoder.plain_ids()))

    def _fold(self, batch: RecordBatch, columns: Columns) -> None:
        times = np.asarray(batch.record_times_ms, dtype=np.int64)
        in_range = (times >= EARLIEST_RECORD_TIME_MS) & (times <= LATEST_RECORD_TIME_MS)
        self._note_first_time(batch.partition, times[in_range])
        plain = columns.plain & in_range & (columns.event_time_ms <= times + MAX_AHEAD_MS)
        is_late = columns.event_time_ms < times - self._lateness_seconds * 1000
        at = np.asarray(batch.offsets, dtype=np.int64) - self.ranges[batch.partition].start
        self.dropped[batch.partition][at] = times < self._dropped_before_ms
        self.marks[batch.partition][at[plain]] = np.where(is_late, Mark.LATE, Mark.COUNTED)[plain]
        hashes = row_hashes(columns.text_hash, postgres_time(columns.event_time_ms), postgres_time(times))
        self.row_hashes[batch.partition][at[plain]] = hashes[plain]
        self._add_plain(batch.partition, at, columns, plain, is_late)
        self._add_others(batch, np.flatnonzero(~plain), at)
        for index in np.flatnonzero(plain & is_late).tolist():
            self._keep_digest(Mark.LATE, batch, index)

    def _note_first_time(self, partition: int, times: Longs) -> None:
        if len(times):
            self.first_record_time_ms.setdefault(partition, int(times[0]))

    def _add_plain(self, partition: int, at: Longs, columns: Columns, plain: Flags, is_late: Flags) -> None:
        data = columns.data
        where = np.flatnonzero(plain)
        starts, ends = columns.id_start[where].tolist(), columns.id_end[where].tolist()
        ids = [data[start:end] for start, end in zip(starts, ends, strict=True)]
        self._see_ids(partition, at[where], ids)
        starts, ends = columns.cell_start[where].tolist(), columns.cell_end[where].tolist()
        known = self._cell_of_slice
        slices = [data[start:end] for start, end in zip(starts, ends, strict=True)]
        cells = np.asarray([known[s] if s in known else self._learn_cell(s) for s in slices], dtype=np.int64)
        in_time = ~is_late[where]
        chosen = where[in_time]
        self.counted.add(columns.event_time_ms[chosen], cells[in_time], columns.is_click[chosen])

    def _add_others(self, batch: RecordBatch, where: Longs, at: Longs) -> None:
        found = {index: self._add_other(batch, index, int(at[index])) for index in where.tolist()}
        stored = {index: event for index, event in found.items() if event is not None}
        if stored:
            times = [batch.record_times_ms[index] for index in stored]
            self.row_hashes[batch.partition][at[list(stored)]] = hash_events(list(stored.values()), times)

    def _add_other(self, batch: RecordBatch, index: int, at: int) -> AdEvent | None:
        """Folds one record; returns its event if raw_events must hold it."""
        record_time_ms = batch.record_times_ms[index]
        fate, event, reason = classify(batch.values[index], record_time_ms, self._decoder, self._lateness_seconds)
        mark = _MARK_OF[fate]
        self.marks[batch.partition][at] = mark
        if mark is Mark.INVALID:
            self._count_reason(reason or "")
            self.reason_codes[batch.partition, batch.offsets[index]] = Reason.in_text(reason or "")
        if mark in self.digests:
            self._keep_digest(mark, batch, index)
        if mark is Mark.INVALID and event is not None:
            self._see_ids(batch.partition, np.asarray([at]), [event.event_id.encode()], valid=False)
        if mark not in (Mark.COUNTED, Mark.LATE) or event is None:
            return None
        self._see_ids(batch.partition, np.asarray([at]), [event.event_id.encode()])
        if mark is Mark.COUNTED:
            self.counted.add(
                np.asarray([event.event_time], dtype=np.int64),
                np.asarray([self.names.number((event.campaign_id, event.category))], dtype=np.int64),
                np.asarray([event.event_type == "CLICK"]),
            )
        return event

    def _count_reason(self, reason: str) -> None:
        """Of reasons that name an id or a size there may be as many as records."""
        known = reason in self.reasons or len(self.reasons) < _MOST_REASONS
        self.reasons[reason if known else OTHER_REASONS] = self.reasons.get(reason if known else OTHER_REASONS, 0) + 1

    def _see_ids(self, partition: int, at: Longs, ids: list[bytes], *, valid: bool = True) -> None:
        self.id_hashes[partition][at] = np.asarray([hash(event_id) for event_id in ids], dtype=np.int64)
        # Of many runs a batch holds one or two.
        prefixes = {event_id[:size] for size in self._prefix_sizes for event_id in ids}
        for run in (run for run in self.runs if run.prefix in prefixes):
            self.in_a_run[partition][at[run.add(ids, valid=valid)]] = True

    def _learn_cell(self, encoded: bytes) -> int:
        size = encoded[0] >> 1
        cell = (encoded[1 : 1 + size].decode(), encoded[2 + size :].decode())
        number = self._cell_of_slice[encoded] = self.names.number(cell)
        return number

    def _keep_digest(self, mark: Mark, batch: RecordBatch, index: int) -> None:
        origin = (batch.partition, batch.offsets[index])
        value, time = batch.values[index], batch.record_times_ms[index]
        self.letter_times_ms[origin] = time
        self.digests[mark][origin] = digest(batch.key(index), value, batch.headers(index), time)

    @property
    def offsets(self) -> int:
        """Offsets in the fold's ranges; some may have no record, as a transaction's markers do."""
        return sum(len(marks) for marks in self.marks.values())

    @property
    def records(self) -> int:
        """Records seen so far."""
        return self.offsets - self.total(Mark.UNSEEN)

    def total(self, mark: Mark) -> int:
        """Records of one fate."""
        return sum(int(np.count_nonzero(marks == mark)) for marks in self.marks.values())

    def held(self, event_ids: Iterable[str]) -> set[str]:
        """Those of the event ids that a counted or late record has."""
        by_hash = {hash(event_id.encode()): event_id for event_id in event_ids}
        wanted, found = np.asarray(list(by_hash), dtype=np.int64), set[str]()
        for partition, marks in self.marks.items():
            hashes = self.id_hashes[partition][(marks == Mark.COUNTED) | (marks == Mark.LATE)]
            found.update(by_hash[int(each)] for each in hashes[np.isin(hashes, wanted)])
        return found

    def repeated(self) -> npt.NDArray[np.int64]:
        """(partition, offset) of each counted or late record whose event id another one before it has, one per row.

        Records of ``runs`` are left out: what they may repeat is for their ledgers to say.
        """
        rows = []
        for partition, marks in self.marks.items():
            wanted = ((marks == Mark.COUNTED) | (marks == Mark.LATE)) & ~self.in_a_run[partition]
            at = np.flatnonzero(wanted)
            offsets = at + self.ranges[partition].start
            rows.append(np.stack([self.id_hashes[partition][at], np.full(len(at), partition), offsets]))
        if not rows:
            return np.empty((0, 2), dtype=np.int64)
        hashes, partitions, offsets = np.concatenate(rows, axis=1)
        order = np.argsort(hashes, kind="stable")
        again = order[1:][hashes[order[1:]] == hashes[order[:-1]]]
        return np.stack([partitions[again], offsets[again]], axis=1)
