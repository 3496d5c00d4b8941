"""What one would write without Flink: a careful single-process loop over confluent-kafka and fastavro.

Run as ``python -m slo.bench.hand_written_loop`` with the settings in the environment, it reads the events topic from
its beginning to the end that it had at the start, counts the same windows by the same rules into the same Redis keys,
and prints a JSON report; with ``--follow`` it goes on at that end until it is killed. It has no checkpoints: it is the
yardstick for speed, not a replacement.

What makes it fast: batch consume; the C reader of fastavro without the logical type (no datetime per event);
ordinary events are recognised by a few cheap tests and everything else is left to the contract's own rules;
one dictionary update per event, 5-minute windows being sums of 1-minute ones at flush time; no garbage collector.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from io import BytesIO
from typing import Any

import fastavro
from confluent_kafka import Consumer, Message, TopicPartition

from pipeline.cache.cache_access import CacheUser, patient_client
from pipeline.contract.cache_schema import (
    categories_key,
    cell_field,
    cells_key,
    expires_at_seconds,
    watermark_key,
)
from pipeline.contract.codec import HEADER, MAGIC_BYTE, SCHEMA_TEXT, AdEvent, Decoder
from pipeline.contract.registry import RegistrySchemas, find_schema_id
from pipeline.contract.rules import EARLIEST_EVENT_TIME_MS, MAX_AHEAD_MS, Fate, classify
from pipeline.settings import WINDOW_SIZES_SECONDS, Settings

BATCH_RECORDS = 5_000
POLL_SECONDS = 0.05
FLUSH_SECONDS = 0.2
FOLLOW = "--follow"
SHORT_NAME_CHARACTERS = 64
"""A name of so many characters has at most 256 bytes."""

Cell = tuple[int, str, str]
"""(minute since the epoch, campaign_id, category)"""
Counts = tuple[int, int]


@dataclass(frozen=True)
class LoopReport:
    """What the loop did, from its first batch to its last flush."""

    records: int
    fates: dict[str, int]
    wall_seconds: float
    cpu_seconds: float


class WindowCounts:
    """Counts since the last flush, and the absolute ones of both window sizes."""

    def __init__(self) -> None:
        self.impressions: defaultdict[Cell, int] = defaultdict(int)
        self.clicks: defaultdict[Cell, int] = defaultdict(int)
        self.newest_ms = 0
        self._totals: dict[tuple[int, int, str, str], Counts] = {}

    def take_changes(self) -> dict[tuple[int, int, str, str], Counts]:
        """The absolute counts that changed, by (size, window start in seconds, campaign or empty, category)."""
        changed: dict[tuple[int, int, str, str], Counts] = {}
        for minute, campaign, category in self.impressions.keys() | self.clicks.keys():
            cell = (minute, campaign, category)
            more = (self.impressions.get(cell, 0), self.clicks.get(cell, 0))
            for size in WINDOW_SIZES_SECONDS:
                start = minute * 60 // size * size
                for key in ((size, start, campaign, category), (size, start, "", category)):
                    before = self._totals.get(key, (0, 0))
                    changed[key] = self._totals[key] = (before[0] + more[0], before[1] + more[1])
        self.impressions.clear()
        self.clicks.clear()
        return changed


class Flusher:
    """Writes changes to Redis: one pipeline per flush, one HSET per window."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client = patient_client(settings, CacheUser.ADMIN)

    def flush(self, counts: WindowCounts) -> None:
        """Everything counted so far stands in Redis when this returns."""
        hashes: defaultdict[tuple[int, int, bool], dict[bytes, str]] = defaultdict(dict)
        for (size, start, campaign, category), (impressions, clicks) in counts.take_changes().items():
            field = cell_field(campaign, category) if campaign else category.encode()
            hashes[size, start, bool(campaign)][field] = f"{impressions} {clicks}"
        # A window's cells and its sums change together: readers of the key schema rely on it.
        pipe = self._client.pipeline(transaction=True)
        for (size, start, is_cells), values in hashes.items():
            key = cells_key(size, start) if is_cells else categories_key(size, start)
            pipe.hset(key, mapping=values)  # type: ignore[arg-type]
            pipe.expireat(key, expires_at_seconds(size, start, self._settings.cache_retention_seconds))
        for size in WINDOW_SIZES_SECONDS:
            pipe.set(watermark_key(size), counts.newest_ms - self._settings.out_of_orderness_seconds * 1000)
        pipe.execute()


class Loop:
    """Counts batches of messages. ``fates`` counts what is not ordinary by its fate."""

    def __init__(self, settings: Settings) -> None:
        url = settings.schema_registry_url
        self.counts = WindowCounts()
        self.ordinary = 0
        self.fates: defaultdict[Fate, int] = defaultdict(int)
        self._lateness_seconds = settings.allowed_lateness_seconds
        self._header = HEADER.pack(MAGIC_BYTE, find_schema_id(url, settings.events_topic))
        self._decoder = Decoder(RegistrySchemas(url).fetch)
        self._schema = _schema_without_logical_types()

    def add(self, messages: Iterable[Message]) -> None:
        """Counts a batch. Raises KafkaException for a message that is an error."""
        header, schema, read = self._header, self._schema, fastavro.schemaless_reader
        impressions, clicks = self.counts.impressions, self.counts.clicks
        lateness_ms, newest_ms, ordinary = self._lateness_seconds * 1000, self.counts.newest_ms, 0
        for message in messages:
            value = message.value()
            record_ms = message.timestamp()[1]
            if message.error() is not None or value is None or value[:5] != header:
                self._add_unusual(message)
                continue
            stream = BytesIO(value)
            stream.seek(5)
            try:
                event: Any = read(stream, schema)
            except Exception:  # the contract's decoder says what it is
                self._add_unusual(message)
                continue
            is_click = event["event_type"] == "CLICK"
            event_ms, campaign, category = event["event_time"], event["campaign_id"], event["category"]
            # The only zero bytes of an ordinary event are the indexes of IMPRESSION and of the null impression_id; any
            # other one is a NUL or an empty string.
            zeros = (not is_click) + (event["impression_id"] is None)
            if (
                value.count(0, 5) != zeros
                or stream.tell() != len(value)
                or len(campaign) > SHORT_NAME_CHARACTERS
                or len(category) > SHORT_NAME_CHARACTERS
                or len(event["event_id"]) > SHORT_NAME_CHARACTERS
                or not record_ms - lateness_ms <= event_ms <= record_ms + MAX_AHEAD_MS
                or event_ms < EARLIEST_EVENT_TIME_MS
            ):
                self._add_unusual(message)
                continue
            ordinary += 1
            if event_ms > newest_ms:
                newest_ms = event_ms
            (clicks if is_click else impressions)[event_ms // 60_000, campaign, category] += 1
        self.counts.newest_ms, self.ordinary = newest_ms, self.ordinary + ordinary

    def _add_unusual(self, message: Message) -> None:
        error = message.error()
        if error is not None:
            raise RuntimeError(f"Kafka: {error}")
        fate, event, _ = classify(message.value(), message.timestamp()[1], self._decoder, self._lateness_seconds)
        self.fates[fate] += 1
        if fate is Fate.COUNTED and event is not None:
            self._count(event)

    def _count(self, event: AdEvent) -> None:
        cell = (event.event_time // 60_000, event.campaign_id, event.category)
        into = self.counts.clicks if event.event_type == "CLICK" else self.counts.impressions
        into[cell] += 1
        self.counts.newest_ms = max(self.counts.newest_ms, event.event_time)


def _schema_without_logical_types() -> Any:
    schema = json.loads(SCHEMA_TEXT)
    for field in schema["fields"]:
        if isinstance(field["type"], dict):
            field["type"].pop("logicalType", None)
    return fastavro.parse_schema(schema)


def run(settings: Settings, *, follow: bool = False) -> LoopReport:
    """Reads the topic from beginning to end, or without end if it is to ``follow``.

    Raises KafkaException, redis.RedisError and RegistryUnavailable.
    """
    loop, flusher = Loop(settings), Flusher(settings)
    consumer = Consumer(
        {
            "bootstrap.servers": settings.kafka_bootstrap,
            "group.id": "adctr-hand-written-loop",
            "enable.auto.commit": False,
            "enable.partition.eof": False,
            "fetch.wait.max.ms": 50,
            "queued.min.messages": 200_000,
            "queued.max.messages.kbytes": 131_072,
        }
    )
    remaining = _assign_everything(consumer, settings)
    gc.disable()
    wall, cpu, flushed = time.monotonic(), time.process_time(), time.monotonic()
    records = 0
    while follow or records < remaining:
        messages = consumer.consume(BATCH_RECORDS, POLL_SECONDS)
        loop.add(messages)
        records += len(messages)
        if time.monotonic() - flushed >= FLUSH_SECONDS:
            flusher.flush(loop.counts)
            flushed = time.monotonic()
    flusher.flush(loop.counts)
    wall, cpu = time.monotonic() - wall, time.process_time() - cpu
    consumer.close()
    fates = {fate.value: count for fate, count in loop.fates.items()}
    fates[Fate.COUNTED.value] = fates.get(Fate.COUNTED.value, 0) + loop.ordinary
    return LoopReport(records, fates, wall, cpu)


def _assign_everything(consumer: Consumer, settings: Settings) -> int:
    """Assigns all partitions from their beginning; how many records they hold now."""
    topic = settings.events_topic
    partitions = consumer.list_topics(topic, timeout=10.0).topics[topic].partitions
    records = 0
    assignment = []
    for partition in partitions:
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10.0)
        records += high - low
        assignment.append(TopicPartition(topic, partition, low))
    consumer.assign(assignment)
    return records


if __name__ == "__main__":
    print(json.dumps(asdict(run(Settings.from_env(os.environ), follow=FOLLOW in sys.argv[1:]))))
    sys.stdout.flush()
