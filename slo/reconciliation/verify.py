"""The shell of a reconciliation: fixes the topic's end, folds, waits for the jobs, reads every store, compares."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from functools import partial

from psycopg2 import extensions

from loadgen.ledger import Ledger
from pipeline.contract.cache_schema import ZERO
from pipeline.contract.codec import Decoder, RegistryUnavailable
from pipeline.contract.reasons import Reason
from pipeline.contract.registry import RegistrySchemas
from pipeline.contract.rules import MAX_AHEAD_MS
from pipeline.flink_rest import FlinkRest, FlinkUnavailable
from pipeline.job_names import JOBS, flink_name
from pipeline.job_report import reports_of
from pipeline.settings import WINDOW_SIZES_SECONDS, Settings
from pipeline.store import StoreUnavailable, snapshot
from pipeline.store.metrics_queries import METRICS_TABLES
from pipeline.topic_reader import OffsetRange
from slo.reconciliation import stores
from slo.reconciliation.cached_windows import Cache, CachedWindow, RedisUnavailable, compare_expiries
from slo.reconciliation.compare import (
    Difference,
    Differences,
    at_least,
    by_category,
    compare_letters,
    compare_reasons,
    compare_tombstones,
    compare_watermarks,
    compare_window,
    deleted_letters,
    settle,
)
from slo.reconciliation.fold import Fold, Mark
from slo.reconciliation.ledger_check import check_ledger, id_counter
from slo.reconciliation.marts import compare_marts
from slo.reconciliation.mended import STORE
from slo.reconciliation.raw_events import RAW_EVENTS, compare_raw_events
from slo.reconciliation.report import Report, Unverifiable
from slo.reconciliation.tally import CellCounts, Names, Tally
from slo.reconciliation.topic import KafkaUnavailable, Topics
from slo.reconciliation.wait_drained import POLL_SECONDS, NotDrained, answer, wait_until_drained

Progress = Callable[[str], None]
UNAVAILABLE = (KafkaUnavailable, RegistryUnavailable, StoreUnavailable, RedisUnavailable, FlinkUnavailable)
"""Errors that `reconcile` raises when a service is unavailable."""
_NEVER_CUT = -1
_PUBLISHED_SECONDS = 20.0
"""Several checkpoints: each publishes the store job's watermark when it is complete."""
_MOST_IDS_LOOKED_UP = 100


def reconcile(
    settings: Settings, ledgers: Sequence[Ledger], timeout_seconds: float, progress: Progress = lambda _: None
) -> Report:
    """Compares everything with everything.

    Raises NotDrained or JobsStuck when the jobs don't get there, and one of ``UNAVAILABLE`` when a service is down.
    """
    with Topics(settings) as topics:
        return _Reconciliation(settings, topics, progress).run(ledgers, timeout_seconds)


class _Reconciliation:
    """One run; its steps share the fold and the report."""

    def __init__(self, settings: Settings, topics: Topics, progress: Progress) -> None:
        self.settings = settings
        self.topics = topics
        self.progress = progress
        self.report = Report()
        schemas = RegistrySchemas(settings.schema_registry_url)
        self.decoder = Decoder(schemas.fetch, schemas.ids)
        self.names = Names()
        self.suspects: list[Difference] = []

    def run(self, ledgers: Sequence[Ledger], timeout_seconds: float) -> Report:
        ends = self.topics.ranges(self.settings.events_topic)
        counters = [id_counter(ledger) for ledger in ledgers]
        with snapshot(self.settings) as connection, stores.reading_postgres(self.settings):
            self.dropped_before_ms = stores.kept_from_ms(connection)
        self.fold = Fold(
            ends,
            self.decoder,
            self.settings.allowed_lateness_seconds,
            self.names,
            counters,
            self.dropped_before_ms,
        )
        self._fold(self.fold, "folding the topic")
        deadline = time.monotonic() + timeout_seconds
        wait_until_drained(self.settings, self.topics, ends, timeout_seconds, self.progress)
        self._wait_until_restored(deadline)
        self._count_records()
        self._count_lost()
        self._compare_letters()
        self._compare_late_drops()
        self._compare_watermarks()
        with snapshot(self.settings) as connection, stores.reading_postgres(self.settings):
            self.mending = stores.mending(connection)
        self._compare_redis()
        with snapshot(self.settings) as connection, stores.reading_postgres(self.settings):
            self.mending = stores.mending(connection)
            self._compare_replays(connection)
            self._compare_metrics(connection)
            self._compare_raw_events(connection)
            self._compare_tombstones(connection)
            self._compare_marts(connection)
        self._settle(self._fold_later(ends))
        for ledger, counter in zip(ledgers, counters, strict=True):
            findings = check_ledger(ledger, counter, self.fold, self.settings.events_topic)
            self.report.ledgers.append(findings)
            self._add(findings.differences)
            self.report.duplicates += findings.duplicates
        self._compare_event_ids()
        return self.report

    def _wait_until_restored(self, deadline: float) -> None:
        """A Redis that has lost its data is compared when it says that it has all of it again."""
        cache = Cache(self.settings)
        try:
            while not cache.complete():
                self.progress("waiting for Redis: it is being restored from PostgreSQL")
                if time.monotonic() > deadline:
                    raise NotDrained("Redis is not complete: see `adctr logs cache-keeper`; allow more with --timeout")
                time.sleep(POLL_SECONDS)
        finally:
            cache.close()

    # --- the topic -------------------------------------------------------------------------------------------------

    def _fold(self, fold: Fold, what: str) -> None:
        done, everything = 0, fold.offsets
        for batch in self.topics.batches(self.settings.events_topic, fold.ranges):
            fold.add(batch)
            done += len(batch.offsets)
            self.progress(f"{what}: {done:,} of {everything:,} offsets")

    def _fold_later(self, ends: Mapping[int, OffsetRange]) -> Tally:
        """The counted events that came after the end was fixed and may be in a store already."""
        now = answer(partial(self.topics.ranges, self.settings.events_topic), self.progress)
        ranges = {partition: OffsetRange(offsets.end, now[partition].end) for partition, offsets in ends.items()}
        later = Fold(ranges, self.decoder, self.settings.allowed_lateness_seconds, self.names)
        self._fold(later, "folding what came meanwhile")
        return later.counted

    def _count_records(self) -> None:
        report, fold = self.report, self.fold
        report.records = fold.records
        report.counted, report.late = fold.total(Mark.COUNTED), fold.total(Mark.LATE)
        report.dead_lettered, report.tombstones = fold.total(Mark.INVALID), fold.total(Mark.TOMBSTONE)
        report.reasons = dict(sorted(fold.reasons.items()))
        unseen = fold.total(Mark.UNSEEN)
        if unseen:
            self._unverifiable(self.settings.events_topic, "offsets without a record", records=unseen)
        cut = sum(offsets.start for offsets in fold.ranges.values())
        if cut:
            self._unverifiable(self.settings.events_topic, "removed by the topic's size retention", records=cut)

    def _count_lost(self) -> None:
        """What no store can have, as no job has read it; the topic doesn't have it either."""
        reports = reports_of(self.settings)
        self.report.lost = {job: each.lost_records for job, each in sorted(reports.items()) if each.lost}

    @property
    def _cut_before_seconds(self) -> float:
        """Windows that begin before this may hold events which the topic no longer has.

        A removed record is at most the slack younger than the first kept one of its partition, and its event time
        at most a minute ahead of it. On a historic topic record times promise nothing.
        """
        cut = [partition for partition, offsets in self.fold.ranges.items() if offsets.start > 0]
        if not cut:
            return _NEVER_CUT
        if self.settings.historic or any(partition not in self.fold.first_record_time_ms for partition in cut):
            return float("inf")
        newest_ms = max(self.fold.first_record_time_ms[partition] for partition in cut)
        return (newest_ms + MAX_AHEAD_MS) / 1000 + self.settings.record_slack_seconds

    # --- the stores ------------------------------------------------------------------------------------------------

    def _compare_letters(self) -> None:
        settings = self.settings
        cases = (
            ("dead_letters", settings.dead_letter_topic, Mark.INVALID, settings.dead_letter_retention_days),
            ("late_events", settings.late_topic, Mark.LATE, settings.late_retention_days),
        )
        for store, topic, mark, kept_days in cases:
            self.progress(f"reading {topic}")
            letters = answer(partial(self.topics.letters, topic, settings.events_topic), self.progress)
            kept_from_ms = int((time.time() - kept_days * 86_400) * 1000) if kept_days and not settings.historic else 0
            digests = self.fold.digests[mark]
            gone = deleted_letters(digests, letters.digests, self.fold.letter_times_ms, kept_from_ms)
            if gone:
                self._unverifiable(store, "deleted by retention", records=len(gone))
            expected = {origin: each for origin, each in digests.items() if origin not in gone}
            self._found(compare_letters(store, expected, letters.digests, self.fold.ranges))
            self._found(
                Difference(store, "letter without a usable origin", 0, 1, offset=offset) for offset in letters.stray
            )
            late = dict.fromkeys(expected, Reason.LATE)
            reasons = self.fold.reason_codes if mark is Mark.INVALID else late
            others, without_code = compare_reasons(store, reasons, letters.reasons)
            self._found(others)
            if without_code:
                self._unverifiable(store, "reasons of a version before they had codes", records=without_code)
            self.report.verified[store] = len(expected)

    def _compare_late_drops(self) -> None:
        drops = answer(FlinkRest(self.settings.flink_rest_url).late_drops, self.progress)
        for job in map(flink_name, JOBS):
            dropped = drops.get(job)
            if dropped is None:
                self._unverifiable("flink", f"job {job} does not run or reports no numLateRecordsDropped")
            elif dropped:
                self._found([Difference("flink", f"numLateRecordsDropped of job {job}", 0, dropped)])

    def _compare_watermarks(self) -> None:
        """Where windows do not close, every count is right, and nothing is ever forgotten or said to be final.

        They may close late, but by no more than what they are kept for. Partitions of a historic topic lie as far apart
        as they please.
        """
        newest = max(self.fold.counted.windows(min(WINDOW_SIZES_SECONDS)), default=None)
        if newest is None or self.settings.historic:
            return
        least_ms = (newest - self.settings.final_after_seconds) * 1000
        deadline = time.monotonic() + _PUBLISHED_SECONDS
        while (behind := self._watermarks_behind(least_ms)) and time.monotonic() < deadline:
            self.progress("waiting for both jobs to publish their watermarks")
            time.sleep(POLL_SECONDS)
        self._found(behind)

    def _watermarks_behind(self, least_ms: int) -> list[Difference]:
        with closing(Cache(self.settings)) as cache:
            live = cache.watermarks()
        with snapshot(self.settings) as connection, stores.reading_postgres(self.settings):
            store = stores.watermarks(connection)
        return [*compare_watermarks("redis", live, least_ms), *compare_watermarks("postgres", store, least_ms)]

    def _compare_redis(self) -> None:
        cache = Cache(self.settings)
        try:
            cached, strange = cache.windows()
            self._found(Difference("redis", f"key of no window: {key}", 0, 1) for key in strange)
            for size in WINDOW_SIZES_SECONDS:
                expected = set(self.fold.counted.windows(size))
                expired: list[int] = []
                let_go: list[int] = []
                for start in sorted(expected | {start for s, start in cached if s == size}):
                    self.progress(f"reading Redis: window {stores.window_name(start)} ({size} s)")
                    window = self._compare_cached_window(cache, size, start)
                    if window is not None and not window.kept:
                        (let_go if window.let_go else expired).append(start)
                if expired:
                    self._unverifiable("redis", "expired, or about to", size, tuple(expired))
                if let_go:
                    self._unverifiable("redis", "let go early, as memory was short", size, tuple(let_go))
        finally:
            cache.close()

    def _compare_cached_window(self, cache: Cache, size: int, start: int) -> CachedWindow | None:
        """The window, compared if it is kept: one that may have expired says nothing about what it held."""
        try:
            window = cache.window(size, start)
        except ValueError as error:
            where = Difference("redis", f"breaks the key schema: {error}", window_seconds=size)
            self._found([where])
            return None
        self._found(compare_expiries(size, start, window))
        if not window.kept:
            return window
        cells = self.mending.window(size, start, self.fold.counted.window(size, start))
        self._compare_window(f"redis.cells.{size}", size, start, cells, window.cells or {})
        self._compare_window(f"redis.categories.{size}", size, start, by_category(cells), window.categories or {})
        return window

    def _compare_replays(self, connection: extensions.connection) -> None:
        """Each replay is of a rejected record, and its row is there; what they are is compared with all the others."""
        self.progress("reading replayed events")
        fold, mending = self.fold, self.mending
        self._found(mending.unexplained(fold.marks, fold.ranges, self.settings.allowed_lateness_seconds))
        self._found(mending.repeated(fold.held(one.event.event_id for one in mending.replays)))
        self._found(
            Difference(STORE, "has no row in raw_events", 1, 0, partition=partition, offset=offset)
            for partition, offset in stores.missing_rows_of_replays(connection)
        )
        self.report.replayed, self.report.recounted = len(mending.replays), len(mending.recounted)
        self.report.awaiting_recount = mending.awaiting_recount(METRICS_TABLES)

    def _compare_metrics(self, connection: extensions.connection) -> None:
        for size, table in METRICS_TABLES.items():
            kept_from = stores.kept_from_ms(connection, table) // 1000
            windows = set(self.fold.counted.windows(size))
            missing = {start for start in windows if start >= kept_from}
            if gone := windows - missing:
                self._unverifiable(f"postgres.{table}", "deleted by retention", size, tuple(sorted(gone)))
            self._found(
                Difference(f"postgres.{table}", f"rows of no window: they begin at {start}", 0, rows)
                for start, rows in stores.misaligned_windows(connection, size)
            )
            for start, got in stores.metric_windows(connection, size):
                if start < kept_from:
                    continue
                self.progress(f"reading {table}: window {stores.window_name(start)}")
                missing.discard(start)
                counted = self.fold.counted.window(size, start)
                self._compare_window(f"postgres.{table}", size, start, counted, got.counted)
                if got.revisions:
                    self._compare_recount(f"postgres.{table}.recounted", size, start, counted, got)
            for start in sorted(missing):
                self._compare_window(f"postgres.{table}", size, start, self.fold.counted.window(size, start), {})

    def _compare_window(self, store: str, size: int, start: int, expected: CellCounts, got: CellCounts) -> None:
        self.suspects += compare_window(store, size, start, expected, got)
        self.report.verified[store] = self.report.verified.get(store, 0) + 1

    def _compare_recount(
        self, store: str, size: int, start: int, counted: CellCounts, got: stores.MetricWindow
    ) -> None:
        if len(got.revisions) > 1:
            self._found([Difference(store, "cells of several recounts", 1, len(got.revisions), size, start)])
        expected = self.mending.window(size, start, counted)
        stale = {cell: ZERO for cell in got.recounted if cell not in expected}
        self._compare_window(store, size, start, expected | stale, got.recounted)

    def _compare_raw_events(self, connection: extensions.connection) -> None:
        if stores.kept_from_ms(connection) != self.dropped_before_ms:
            raise NotDrained("retention has dropped a day of raw_events while the topic was read: verify again")
        self.progress("reading raw_events")
        differences, dropped_records = compare_raw_events(connection, self.fold, self.mending)
        self._add(differences)
        if dropped_records:
            self._unverifiable(RAW_EVENTS, "dropped by retention", records=dropped_records)
        replayed = len(self.mending.within(self.fold.ranges))
        self.report.verified[RAW_EVENTS] = self.report.counted + self.report.late + replayed - dropped_records

    def _compare_tombstones(self, connection: extensions.connection) -> None:
        store = "postgres.tombstones"
        stored = stores.tombstones(connection)
        for partition, offsets in self.fold.ranges.items():
            here = stored.get(partition, set())
            self._found(compare_tombstones(store, partition, offsets.start, self.fold.marks[partition], here))
        self.report.verified[store] = self.report.tombstones

    def _compare_marts(self, connection: extensions.connection) -> None:
        self.progress("reading the marts")
        compared = compare_marts(connection)
        self._found(compared.differences)
        self.report.verified |= compared.hours

    def _compare_event_ids(self) -> None:
        """An event id that came twice, unless it belongs to a ledger, which then says whether it should."""
        repeated = [(int(partition), int(offset)) for partition, offset in self.fold.repeated()]
        self.report.duplicates += len(repeated)
        values = self.topics.values(self.settings.events_topic, repeated[:_MOST_IDS_LOOKED_UP])
        ids = {origin: self.decoder.decode(value).event_id for origin, value in values.items() if value is not None}
        self._found(
            Difference("topic", "repeated event id", "a new id", ids.get(origin), partition=origin[0], offset=origin[1])
            for origin in repeated
        )

    # --- what it comes to ------------------------------------------------------------------------------------------

    def _settle(self, later: Tally) -> None:
        real, touched = settle(self.suspects, later)
        cut_before = self._cut_before_seconds
        old = [difference for difference in real if (difference.window_start_seconds or 0) < cut_before]
        self._found(difference for difference in real if (difference.window_start_seconds or 0) >= cut_before)
        too_few, explained = at_least(old)
        self._found(too_few)
        self.report.withdraw([*touched, *explained])
        self._list_unverifiable(touched, "touched by events that came after the end was fixed")
        self._list_unverifiable(explained, "the topic no longer has its first events")

    def _list_unverifiable(self, explained: Iterable[Difference], reason: str) -> None:
        grouped: dict[tuple[str, int | None], list[int]] = defaultdict(list)
        for difference in explained:
            grouped[difference.store, difference.window_seconds].append(difference.window_start_seconds or 0)
        for (store, size), starts in grouped.items():
            self._unverifiable(store, reason, size, tuple(sorted(set(starts))), cells=len(starts))

    def _unverifiable(
        self, store: str, reason: str, size: int | None = None, windows: tuple[int, ...] = (), **counts: int
    ) -> None:
        self.report.unverifiable.append(Unverifiable(store, reason, size, windows, **counts))

    def _found(self, differences: Iterable[Difference]) -> None:
        self.report.found.add(differences)

    def _add(self, differences: Differences) -> None:
        self.report.found.add(differences.listed)
        self.report.found.add_unlisted(differences.total - len(differences.listed))
