"""A topic in memory, and stores that hold exactly what it says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from pipeline.contract.codec import SCHEMA_TEXT, AdEvent, Decoder, UnknownSchemaId, encode
from pipeline.topic_reader import OffsetRange
from slo.reconciliation.fold import Batch, Fold, IdCounter

NOON_MS = 1_767_268_800_000
"""2026-01-01T12:00:00Z."""
NOON = NOON_MS // 1000
LATENESS_SECONDS = 600
SCHEMA_ID = 7


@dataclass(frozen=True)
class Record:
    """One record of the topic in memory."""

    value: bytes | None
    time_ms: int = NOON_MS
    key: bytes | None = b"key"
    headers: tuple[tuple[str, bytes | None], ...] = ()


@dataclass
class Topic:
    """Partitions of records; `fold` folds them from ``first_offset`` on."""

    partitions: dict[int, list[Record]] = field(default_factory=dict)

    def add(self, partition: int, *records: Record) -> None:
        self.partitions.setdefault(partition, []).extend(records)

    def fold(self, first: int = 0, runs: Sequence[IdCounter] = (), dropped_before_ms: int = 0) -> Fold:
        ranges = {partition: OffsetRange(first, len(records)) for partition, records in self.partitions.items()}
        fold = Fold(ranges, decoder(), LATENESS_SECONDS, runs=runs, dropped_before_ms=dropped_before_ms)
        for partition, records in self.partitions.items():
            fold.add(batch(partition, records[first:], first))
        return fold


def fetch_schema(schema_id: int) -> str:
    if schema_id != SCHEMA_ID:
        raise UnknownSchemaId(f"unknown schema id {schema_id}")
    return SCHEMA_TEXT


def decoder() -> Decoder:
    return Decoder(fetch_schema)


def batch(partition: int, records: Sequence[Record], first: int = 0) -> Batch:
    return Batch(
        partition,
        list(range(first, first + len(records))),
        [record.time_ms for record in records],
        [record.value for record in records],
        key=lambda index: records[index].key,
        headers=lambda index: records[index].headers,
    )


def event(
    event_id: str,
    campaign_id: str = "shoes",
    category: str = "sports",
    *,
    click: bool = False,
    after_noon_ms: int = 0,
    user_id: str = "u",
) -> AdEvent:
    """An event at noon, or some milliseconds after it."""
    kind = "CLICK" if click else "IMPRESSION"
    return AdEvent(event_id, kind, NOON_MS + after_noon_ms, user_id, "ad", campaign_id, category)


def record(some: AdEvent, sent_ms: int | None = None) -> Record:
    """An event as a record, sent at its event time unless told otherwise."""
    return Record(encode(some, SCHEMA_ID), some.event_time if sent_ms is None else sent_ms)


def ordinary_topic() -> Topic:
    """Two partitions: 5 counted events in two minutes, one late event, one undecodable record, one tombstone."""
    topic = Topic()
    topic.add(0, record(event("a-0")), record(event("a-1")), record(event("a-2", click=True)))
    topic.add(0, record(event("a-3", after_noon_ms=60_000)), Record(b"not avro"), Record(None))
    topic.add(1, record(event("a-4", "hats", "fashion", after_noon_ms=1)))
    topic.add(1, record(event("a-5", "hats", "fashion"), sent_ms=NOON_MS + 600_001))
    return topic
