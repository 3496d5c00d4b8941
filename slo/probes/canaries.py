"""Event → Redis and event → PostgreSQL in production, by canaries: no ledger, no load. Samples: one per canary."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import psycopg2
from psycopg2 import extensions

from pipeline.cache.cache_commands import read_retention
from pipeline.canary import MAX_PATIENCE_SECONDS, canary_event
from pipeline.contract.cache_schema import cell_field, cells_key, parse_counts, watermark_key
from pipeline.settings import Settings
from pipeline.store import StoreUnavailable, connect_reader
from slo.probes.canary_rows import WINDOW_SECONDS, CanaryRows, Cell, Sighting
from slo.probes.clients import redis_client
from slo.probes.probe import NEVER, Doubtful, Probe, Sample
from slo.spec.model import Indicator

SETTLED_AFTER_SECONDS = 2 * MAX_PATIENCE_SECONDS
"""A canary waits at most so long before it reaches the broker (`pipeline.canary.patience_seconds`)."""
_SETTLE_PERIOD_SECONDS = 5.0


class _Canaries(Probe):
    """Reads the canaries' counts while one that is due has not been seen, and does nothing in between.

    Canary and probe must have the same time (one machine, or NTP): their difference is in each latency. A stack without
    canaries (a historic one) reads as one in which no event ever becomes visible.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._clock = clock
        self._rows = CanaryRows(settings.events_partitions, clock())
        self._looked_at = clock()
        self._settled_at = clock()
        self._lock = threading.Lock()

    def _read(self, windows: Sequence[int]) -> dict[Cell, int]:
        """The counts of all canaries of some windows, absent ones as 0."""
        raise NotImplementedError

    def _watermark_ms(self) -> int | None:
        """What the store says of how far it is."""
        raise NotImplementedError

    def _gone(self, window: int, now: float) -> bool:  # noqa: ARG002 - for those that forget
        """Whether the store may have forgotten a window."""
        return False

    def _sample(self, seen: Sighting) -> Sample:
        lowest = max(0.0, seen.latency - (seen.seen_at - self._looked_at)) if seen.latency >= 0 else seen.latency
        return Sample(self.indicators[0], float(seen.due), seen.latency, _job(seen.partition), lowest)

    def look(self) -> Iterable[Sample]:
        now = self._clock()
        self._settle(now)
        with self._lock:
            windows = self._rows.windows(now)
        if not windows:
            self._looked_at = now  # nothing was due until now, so nothing can have been missed
            return ()
        counts = self._read(windows)
        at = self._clock()
        with self._lock:
            seen = self._rows.look(at, counts)
        samples = [self._sample(each) for each in seen]
        self._looked_at = at
        return samples

    def idle_seconds(self) -> float:
        with self._lock:
            return self._rows.idle_seconds(self._clock())

    def missing(self) -> Iterable[Sample]:
        with self._lock:
            due = self._rows.due(self._clock())
        return [
            Sample(self.indicators[0], float(second), NEVER, _job(partition))
            for (_, partition), seconds in due.items()
            for second in seconds
        ]

    def subjects(self) -> tuple[str, ...]:
        return tuple(_job(partition) for partition in range(self._settings.events_partitions))

    def doubtful(self) -> Iterable[Doubtful]:
        """A canary that was never sent makes the later ones of its partition's minute look late by a second each."""
        with self._lock:
            holes = dict(self._rows.holes_of)
        return [
            Doubtful(_job(partition), float(window), float(window + WINDOW_SECONDS), float(count))
            for (window, partition), count in holes.items()
        ]

    def void(self) -> str:
        if not self._rows.early:
            return ""
        return f"{self._rows.early} canaries too early or too many: counted twice, or the clock stepped"

    def notes(self) -> Mapping[str, float | int | str]:
        found = {"canary_minutes_skipped": self._rows.skipped, "canaries_never_counted": self._rows.holes}
        return {name: count for name, count in found.items() if count}

    def _settle(self, now: float) -> None:
        """Counts the canaries of a minute once more when all that can still come has come."""
        unsettled = self._rows.unsettled()
        if not unsettled or now < unsettled[0] + WINDOW_SECONDS + SETTLED_AFTER_SECONDS:
            return
        if now - self._settled_at < _SETTLE_PERIOD_SECONDS:
            return
        self._settled_at = now
        # The watermark first: what it covers stands in the counts that are read after it.
        passed = (self._watermark_ms() or 0) / 1000 - WINDOW_SECONDS - SETTLED_AFTER_SECONDS
        over = [window for window in unsettled if window <= passed]
        counts = self._read(over) if over else {}
        with self._lock:
            for window in over:
                of_window = {partition: count for (start, partition), count in counts.items() if start == window}
                self._rows.settle(window, None if self._gone(window, now) else of_window)


class Canaries(_Canaries):
    """In Redis, the live job's store."""

    name = "canaries"
    indicators = (Indicator.EVENT_TO_REDIS,)
    period_seconds = 0.1

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        super().__init__(settings, clock)
        self._client = redis_client(settings)
        self._fields = [_field(partition) for partition in range(settings.events_partitions)]

    def close(self) -> None:
        self._client.close()

    def _read(self, windows: Sequence[int]) -> dict[Cell, int]:
        with self._client.pipeline(transaction=False) as pipe:
            for window in windows:
                pipe.hmget(cells_key(WINDOW_SECONDS, window), self._fields)
            replies = pipe.execute()
        return {
            (window, partition): parse_counts(value).total if value else 0
            for window, values in zip(windows, replies, strict=True)
            for partition, value in enumerate(values)
        }

    def _watermark_ms(self) -> int | None:
        watermark = self._client.get(watermark_key(WINDOW_SECONDS))
        return None if watermark is None else int(watermark)

    def _gone(self, window: int, now: float) -> bool:
        retention = read_retention(self._client, self._settings.cache_retention_seconds)
        return not retention.holds(WINDOW_SECONDS, window, now)


class StoreCanaries(_Canaries):
    """In PostgreSQL, the store job's. One connection, with the readers' role, reopened when it breaks."""

    name = "store_canaries"
    indicators = (Indicator.EVENT_TO_POSTGRES,)
    period_seconds = 0.5
    _COUNTS = """
        SELECT extract(epoch FROM window_start)::bigint, campaign_id, impressions + clicks
        FROM metrics_1min WHERE window_start = ANY(%s::timestamptz[]) AND campaign_id = ANY(%s) AND category = %s
    """
    _WATERMARK = "SELECT watermark_ms FROM watermarks WHERE job = %s"

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        super().__init__(settings, clock)
        self._connection: extensions.connection | None = None
        canaries = [canary_event(partition, "", 0) for partition in range(settings.events_partitions)]
        self._partition_of = {canary.campaign_id: partition for partition, canary in enumerate(canaries)}
        self._category = canaries[0].category

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _read(self, windows: Sequence[int]) -> dict[Cell, int]:
        starts = [datetime.fromtimestamp(window, UTC) for window in windows]
        rows = self._ask(self._COUNTS, (starts, list(self._partition_of), self._category))
        counts = {(window, partition): 0 for window in windows for partition in self._partition_of.values()}
        return counts | {(int(start), self._partition_of[campaign]): int(count) for start, campaign, count in rows}

    def _watermark_ms(self) -> int | None:
        rows = self._ask(self._WATERMARK, (f"store-{WINDOW_SECONDS}",))
        return int(rows[0][0]) if rows else None

    def _ask(self, query: str, arguments: tuple[object, ...]) -> list[tuple[Any, ...]]:
        try:
            if self._connection is None:
                self._connection = connect_reader(self._settings)
            with self._connection.cursor() as cursor:
                cursor.execute(query, arguments)
                return cursor.fetchall()
        except (psycopg2.Error, StoreUnavailable):
            self.close()
            raise


def _job(partition: int) -> str:
    return f"partition {partition}"


def _field(partition: int) -> bytes:
    event = canary_event(partition, "", 0)
    return cell_field(event.campaign_id, event.category)
