"""The rows of a log on their way to the wire."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from loadgen.encoder import event_id
from loadgen.ledger import CLICK, EVENT, IMPRESSION
from loadgen.replay.mapping import LogEvent, RowMapping, UnmappableError
from loadgen.replay.rows import Rejected, Row
from loadgen.replay.schedule import MILLISECOND_NS, LogSchedule, RecordTimes
from loadgen.traffic import Prepared
from pipeline.contract.codec import AdEvent, encode
from pipeline.contract.partitioner import partition_of

ROWS_AT_ONCE = 256
MOST_LISTED = 100_000


@dataclass
class Rejects:
    """Rows that could not be used: all are counted, the first ones listed."""

    listed: list[Rejected] = field(default_factory=list)
    total: int = 0

    def add(self, rejected: Rejected) -> None:
        self.total += 1
        if len(self.listed) < MOST_LISTED:
            self.listed.append(rejected)


@dataclass(frozen=True)
class Timing:
    """How rows get their times. ``schedule`` None: each is sent when it is its turn, as fast as it goes.

    ``record_times`` None: event time and record time are when a row is sent; else both are the log's.
    """

    schedule: LogSchedule | None
    record_times: RecordTimes | None
    clock_ns: Callable[[], int] = time.time_ns


class _Sendable(NamedTuple):
    row: LogEvent
    intended_ns: int
    time_ms: int


class ReplayTraffic:
    """Traffic of a log; ``rejects`` fills while it is read."""

    def __init__(
        self,
        rows: Iterator[Row | Rejected],
        mapping: RowMapping,
        timing: Timing,
        run_id: str,
        schema_id: int,
        partition_count: int,
    ) -> None:
        self.rejects = Rejects()
        self._rows = rows
        self._mapping = mapping
        self._timing = timing
        self._run_id = run_id
        self._schema_id = schema_id
        self._partition_count = partition_count
        self._cells: dict[tuple[str, str], int] = {}
        self._places: dict[str, tuple[bytes, int]] = {}
        self._seq = 0

    def next(self) -> Prepared | None:
        some = list(itertools.islice(self._rows, ROWS_AT_ONCE))
        if not some:
            return None
        known, first_seq = len(self._cells), self._seq
        sendable = [found for row in some if (found := self._sendable(row)) is not None]
        events = [pair for each in sendable for pair in self._events(each)]
        rows = []
        for seq, (event, intended_ns) in enumerate(events, first_seq):
            cell = self._cells.setdefault((event.campaign_id, event.category), len(self._cells))
            kind = CLICK if event.event_type == "CLICK" else IMPRESSION
            rows.append((seq, cell, kind, 0, event.event_time, intended_ns))
        where = [self._where(event.campaign_id) for event, _ in events]
        own_times = self._timing.record_times is not None
        return Prepared(
            rows=np.array(rows, EVENT),
            values=[encode(event, self._schema_id) for event, _ in events],
            keys=[key for key, _ in where],
            partitions=[partition for _, partition in where],
            record_times_ms=[event.event_time for event, _ in events] if own_times else None,
            new_cells=list(itertools.islice(self._cells, known, None)),
        )

    def _sendable(self, row: Row | Rejected) -> _Sendable | None:
        if isinstance(row, Rejected):
            self.rejects.add(row)
            return None
        try:
            found = self._mapping.event_of(row.values)
        except UnmappableError as error:
            self.rejects.add(Rejected(row.line, str(error)))
            return None
        time_ms, timing = found.time_ms, self._timing
        if timing.record_times is not None and (reason := timing.record_times.reason_against(time_ms)):
            self.rejects.add(Rejected(row.line, f"{self._mapping.columns['event_time']} {reason}"))
            return None
        schedule = timing.schedule
        intended_ns = timing.clock_ns() if schedule is None else schedule.intended_ns(time_ms)
        return _Sendable(found, intended_ns, time_ms if timing.record_times else intended_ns // MILLISECOND_NS)

    def _events(self, sendable: _Sendable) -> Iterator[tuple[AdEvent, int]]:
        """The event of a row and the click that it stands for, each with when it is to be sent."""
        row, time_ms = sendable.row, sendable.time_ms
        own_id = self._next_id()
        yield _with(row.event, own_id, row.event.event_type, time_ms, None), sendable.intended_ns
        if row.clicked:
            yield _with(row.event, self._next_id(), "CLICK", time_ms, own_id), sendable.intended_ns

    def _next_id(self) -> str:
        seq = self._seq
        self._seq += 1
        return event_id(self._run_id, seq)

    def _where(self, campaign: str) -> tuple[bytes, int]:
        """A campaign's key and partition."""
        found = self._places.get(campaign)
        if found is None:
            key = campaign.encode()
            found = self._places[campaign] = key, partition_of(key, self._partition_count)
        return found


def _with(event: AdEvent, own_id: str, event_type: str, time_ms: int, impression_id: str | None) -> AdEvent:
    """The event with what its row does not say. ``_replace`` takes three times as long."""
    return AdEvent(
        own_id,
        event_type,
        time_ms,
        event.user_id,
        event.ad_id,
        event.campaign_id,
        event.category,
        event.placement,
        event.device,
        impression_id,
    )
