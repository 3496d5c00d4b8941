"""Rows of `realtime.*` as the jobs, a replay and a recount leave them."""

from __future__ import annotations

import json
import random
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg2 import extensions
from psycopg2.extras import execute_values

from pipeline.recount import _recount_size, windows_of
from pipeline.settings import WINDOW_SIZES_SECONDS, Settings
from pipeline.store.db_connector import connect_owner
from pipeline.store.metrics_queries import METRICS_TABLES
from pipeline.store.revisions import next_revision

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
FIELDS = ("campaign_id", "category", "placement", "device")


@dataclass
class RealtimeRows:
    """What was written, for a model of the marts. ``begin`` is a midnight (UTC)."""

    settings: Settings
    begin: datetime
    random: random.Random = field(default_factory=lambda: random.Random(56))
    events: list[dict[str, Any]] = field(default_factory=list)

    def event(self, at: datetime, **values: Any) -> dict[str, Any]:
        """An event with names of its own choice."""
        name = self.random.randrange(7)
        event = {
            "event_time": at,
            "record_time": at + timedelta(seconds=self.random.randrange(-30, 300)),
            "event_type": "CLICK" if self.random.random() < 0.1 else "IMPRESSION",
            "campaign_id": f"campaign-{name}",
            "category": f"category-{name % 3}",
            "placement": self.random.choice(("top", "side", "feed")),
            "device": self.random.choice(("phone", "desktop")),
            "late": False,
            **values,
        }
        return {**event, "offset": len(self.events)}

    def fill(self, hours: int, per_hour: int = 40) -> None:
        """Counted events and canaries of so many hours, with their windows."""
        fresh = []
        for hour in range(hours):
            start = self.begin + hour * HOUR
            for _ in range(per_hour):
                fresh.append(self.event(start + timedelta(seconds=self.random.randrange(3600))))
                self.events.append(fresh[-1])
            canary = self.event(start, campaign_id="_canary-0", category="_canary", event_type="IMPRESSION")
            fresh.append(canary)
            self.events.append(canary)
        self.write(fresh)

    def write(self, fresh: list[dict[str, Any]]) -> None:
        """Raw events and, of those in time, windows, as the store job does."""
        with closing(connect_owner(self.settings)) as connection, connection, connection.cursor() as cursor:
            _insert(cursor, fresh)
            for size, table in METRICS_TABLES.items():
                cells = Counter[tuple[Any, ...]]()
                for event in fresh:
                    if not event["late"]:
                        start = _floor(event["event_time"], size)
                        cells[start, event["campaign_id"], event["category"], event["event_type"]] += 1
                keys = {cell[:3] for cell in cells}
                execute_values(
                    cursor,
                    f"INSERT INTO realtime.{table} AS m (window_start, campaign_id, category, impressions, clicks) "
                    "VALUES %s ON CONFLICT (window_start, campaign_id, category) DO UPDATE SET "
                    "impressions = m.impressions + excluded.impressions, clicks = m.clicks + excluded.clicks",
                    [(*key, cells[*key, "IMPRESSION"], cells[*key, "CLICK"]) for key in keys],
                )

    def add(self, at: datetime, **values: Any) -> None:
        """One more event of the job's."""
        self.events.append(self.event(at, **values))
        self.write(self.events[-1:])

    def replay(self, at: datetime) -> None:
        """A repaired dead letter: in raw_events, and in no window until a recount."""
        self.events.append(self.event(at))
        event = self.events[-1]
        body = json.dumps({"event_id": "replayed", "event_time": int(at.timestamp() * 1000)})
        with closing(connect_owner(self.settings)) as connection, connection, connection.cursor() as cursor:
            _insert(cursor, [event])
            cursor.execute(
                "INSERT INTO realtime.replayed_events VALUES (0, %s, %s, 'CTR', %s, false, %s)",
                (event["offset"], event["record_time"], body, next_revision(cursor)),
            )

    def recount(self, at: datetime) -> None:
        """The windows around a moment, by the statement of `adctr recount`."""
        second = int(at.timestamp())
        with closing(connect_owner(self.settings)) as connection, connection, connection.cursor() as cursor:
            revision = next_revision(cursor)
            for windows in windows_of(second, second + 1):
                _recount_size(cursor, self.settings, windows, revision)
            cursor.execute("INSERT INTO realtime.recounts VALUES (%s, %s, %s)", (revision, at, at + MINUTE))

    def reach(self, watermark: datetime) -> None:
        """The store job publishes a watermark."""
        with closing(connect_owner(self.settings)) as connection, connection, connection.cursor() as cursor:
            execute_values(
                cursor,
                "INSERT INTO realtime.watermarks (job, watermark_ms) VALUES %s ON CONFLICT (job) DO UPDATE SET "
                "watermark_ms = excluded.watermark_ms",
                [(f"store-{size}", int(watermark.timestamp() * 1000)) for size in WINDOW_SIZES_SECONDS],
            )

    def execute(self, statement: str) -> None:
        """Anything, as the owner of the tables."""
        with closing(connect_owner(self.settings)) as connection, connection, connection.cursor() as cursor:
            cursor.execute(statement)

    def expected(self, dimensions: tuple[str, ...], until: datetime) -> set[tuple[Any, ...]]:
        """The cells of a mart of hours. Campaigns have no late events."""
        cells: dict[tuple[Any, ...], list[int]] = {}
        for event in self.events:
            start = _floor(event["event_time"], 3600)
            if event["category"] == "_canary" or start >= until or (event["late"] and "category" in dimensions):
                continue
            counts = cells.setdefault((start, *(event[name] for name in dimensions)), [0, 0, 0])
            counts[2 if event["late"] else event["event_type"] == "CLICK"] += 1
        kept = 2 if "category" in dimensions else 3
        return {(*cell, *counts[:kept]) for cell, counts in cells.items()}


def _insert(cursor: extensions.cursor, events: list[dict[str, Any]]) -> None:
    execute_values(
        cursor,
        "INSERT INTO realtime.raw_events (kafka_partition, kafka_offset, record_time, event_time, event_id, "
        "event_type, user_id, ad_id, campaign_id, category, placement, device, late) VALUES %s",
        [
            (0, each["offset"], each["record_time"], each["event_time"], f"event-{each['offset']}", each["event_type"],
             "user", "ad", *(each[name] for name in FIELDS), each["late"])
            for each in events
        ],
    )  # fmt: skip


def _floor(at: datetime, seconds: int) -> datetime:
    return datetime.fromtimestamp(int(at.timestamp()) // seconds * seconds, UTC)
