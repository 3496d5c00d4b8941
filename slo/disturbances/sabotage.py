"""What drills do to the pipeline. Each is a context manager: done on entry, undone on exit."""

from __future__ import annotations

import os
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import cache

import psycopg2
from confluent_kafka import Producer

from pipeline.contract.cache_schema import CANARY_PREFIX, PREFIX
from pipeline.contract.codec import AdEvent, encode
from pipeline.contract.registry import find_schema_id
from pipeline.settings import Settings
from pipeline.store.db_connector import connect_owner
from slo.disturbances.bench import Bench
from slo.disturbances.link import Condition
from slo.probes.clients import admin_client

KAFKA_SECONDS = 30.0
TASK_MANAGERS = ("taskmanager-live", "taskmanager-store")


@contextmanager
def redis_writes_delayed(bench: Bench) -> Iterator[None]:
    """Everything that the live job sends to Redis takes 1.5 s to get there."""
    with bench.link("redis").in_condition(Condition(delay_seconds=1.5)):
        yield


@contextmanager
def processes_frozen(bench: Bench, services: Sequence[str]) -> Iterator[None]:
    """SIGSTOP, and SIGCONT on exit."""
    pids = [pid for service in services for pid in bench.pids(service)]
    if not pids:
        raise RuntimeError(f"nothing runs to be frozen: {', '.join(services)}")
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


@contextmanager
def partition_frozen(bench: Bench, seconds: float, partition: int = 1) -> Iterator[None]:
    """An open transaction: nobody who reads committed records gets past its first one until it ends.

    It is all over on entry, so that opening it does not come off the time.
    """
    settings = bench.settings
    producer = Producer(
        {"bootstrap.servers": settings.kafka_bootstrap, "transactional.id": f"drill-{uuid.uuid4().hex}"}
    )
    producer.init_transactions(KAFKA_SECONDS)
    producer.begin_transaction()
    produce_value(
        producer, settings, *drill_event(settings, f"{CANARY_PREFIX}-{partition}", CANARY_PREFIX), partition=partition
    )
    producer.flush(KAFKA_SECONDS)
    try:
        time.sleep(seconds)
    finally:
        producer.abort_transaction(KAFKA_SECONDS)
    yield


@contextmanager
def one_event_lost(bench: Bench) -> Iterator[None]:
    """A row of raw_events that a checkpoint has long covered is gone, and back on exit."""
    with closing(connect_owner(bench.settings)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(
                "DELETE FROM raw_events WHERE (kafka_partition, kafka_offset, record_time) = "
                "(SELECT kafka_partition, kafka_offset, record_time FROM raw_events WHERE NOT late LIMIT 1) RETURNING *"
            )
            row = cursor.fetchone()
            if row is None:
                raise RuntimeError("raw_events is empty: there is nothing to lose")
            try:
                yield
            finally:
                values = ", ".join(["%s"] * len(row))
                cursor.execute(f"INSERT INTO raw_events VALUES ({values})", row)  # noqa: S608 - placeholders alone


@contextmanager
def one_event_doubled(bench: Bench) -> Iterator[None]:
    """A row of raw_events stands there twice (the second a millisecond later, or the key would refuse it)."""
    with closing(connect_owner(bench.settings)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO raw_events "
                "SELECT kafka_partition, kafka_offset, record_time + interval '1 ms', event_time, "
                "event_id, event_type, user_id, ad_id, campaign_id, category, placement, device, impression_id, late "
                "FROM raw_events WHERE NOT late LIMIT 1 RETURNING kafka_partition, kafka_offset, record_time"
            )
            origin = cursor.fetchone()
            if origin is None:
                raise RuntimeError("raw_events is empty: there is nothing to double")
            try:
                yield
            finally:
                cursor.execute(
                    "DELETE FROM raw_events WHERE (kafka_partition, kafka_offset, record_time) = (%s, %s, %s)", origin
                )


@contextmanager
def cache_reads_slow(bench: Bench) -> Iterator[None]:
    """Once a second Redis answers nobody for 150 ms."""
    with closing(admin_client(bench.settings)) as client, repeatedly(lambda: client.client_pause(150, all=True), 1.0):
        yield


@contextmanager
def ttl_removed(bench: Bench) -> Iterator[None]:
    """No window in Redis expires any more; on exit all expire as they should."""
    with closing(admin_client(bench.settings)) as client:
        deadlines: dict[bytes, int] = {}

        def persist() -> None:
            for key in client.scan_iter(f"{PREFIX}:{{*", count=1000):
                at = client.pttl(key)
                if at >= 0:
                    deadlines[key] = int(time.time() * 1000) + at
                    client.persist(key)

        try:
            with repeatedly(persist, 0.5):
                yield
        finally:
            for key, at in deadlines.items():
                client.pexpireat(key, at)


@contextmanager
def redis_filled(bench: Bench, megabytes_per_second: float, most_megabytes: float) -> Iterator[None]:
    """Keys that are no windows and expire after two minutes; what is left of them is gone on exit."""
    run, period_seconds, kilobyte = f"drill-{uuid.uuid4().hex}", 0.2, b"x" * 1000
    keys: list[str] = []
    with closing(admin_client(bench.settings)) as client:

        def fill() -> None:
            more = [f"{run}-{len(keys) + each}" for each in range(int(megabytes_per_second * period_seconds * 1000))]
            if len(keys) + len(more) > most_megabytes * 1000:
                return
            pipe = client.pipeline(transaction=False)
            for key in more:
                pipe.set(key, kilobyte, ex=120)
            pipe.execute()
            keys.extend(more)

        try:
            with repeatedly(fill, period_seconds):
                yield
        finally:
            for start in range(0, len(keys), 1000):
                client.delete(*keys[start : start + 1000])


@contextmanager
def redis_evicting(bench: Bench) -> Iterator[None]:
    """A limit 2 MB above what Redis uses, and keys that fill it; they are evicted first, as windows live longer."""
    with closing(admin_client(bench.settings)) as client:
        before = {name: str(client.config_get(name)[name]) for name in ("maxmemory", "maxmemory-policy")}
        client.config_set("maxmemory-policy", "volatile-ttl")
        client.config_set("maxmemory", int(client.info("memory")["used_memory"]) + 2_000_000)
        try:
            with redis_filled(bench, megabytes_per_second=1.0, most_megabytes=20.0):
                yield
        finally:
            for name, value in before.items():
                client.config_set(name, value)


@contextmanager
def state_leak(bench: Bench, campaigns_per_second: int = 1500) -> Iterator[None]:
    """Campaigns that nobody has seen before, and each is kept for as long as its windows are."""
    producer = Producer({"bootstrap.servers": bench.settings.kafka_bootstrap, "enable.idempotence": True})
    run, sent = uuid.uuid4().hex, 0

    def leak() -> None:
        nonlocal sent
        for _ in range(campaigns_per_second // 5):
            produce_value(producer, bench.settings, *drill_event(bench.settings, f"leak-{run}-{sent}", "leak"))
            sent += 1
        producer.poll(0)

    with repeatedly(leak, 0.2):
        yield
    producer.flush(KAFKA_SECONDS)


@contextmanager
def postgres_stalled(bench: Bench) -> Iterator[None]:
    """A lock that lets everybody read the tables and nobody write them."""
    with closing(connect_owner(bench.settings)) as connection, connection.cursor() as cursor:
        cursor.execute("LOCK TABLE raw_events, metrics_1min, metrics_5min IN SHARE ROW EXCLUSIVE MODE")
        try:
            yield
        finally:
            with suppress(psycopg2.Error):
                connection.rollback()


@contextmanager
def clock_stepped(bench: Bench, seconds: float) -> Iterator[None]:
    """The check's clock is so far ahead (or, below 0, behind) from one moment to the next."""
    bench.step_clock(seconds)
    try:
        yield
    finally:
        bench.step_clock(-seconds)


@contextmanager
def probe_dead(bench: Bench, name: str) -> Iterator[None]:
    """A probe ends in the middle of the check and does not come back."""
    bench.end_probe(name)
    yield


@contextmanager
def event_poller_dead(bench: Bench) -> Iterator[None]:
    """Nobody looks for the run's events in Redis any more."""
    bench.end_event_poller()
    yield


@contextmanager
def nothing(_bench: Bench) -> Iterator[None]:
    """Leaves the pipeline alone: the trouble is in the drill's own numbers."""
    yield


@contextmanager
def repeatedly(action: Callable[[], object], period_seconds: float) -> Iterator[None]:
    """Does it once at the start and then again and again in a thread. What goes wrong there is raised at the end."""
    stop = threading.Event()
    errors: list[BaseException] = []

    def run() -> None:
        try:
            while not stop.is_set():
                action()
                stop.wait(period_seconds)
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, name="sabotage", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    if errors:
        raise errors[0]


_schema_id = cache(find_schema_id)


def drill_event(settings: Settings, campaign_id: str, category: str) -> tuple[AdEvent, bytes]:
    """An impression of now that no ledger knows, and its value as of the registered schema."""
    event = AdEvent(
        event_id=f"drill-{uuid.uuid4().hex}",
        event_type="IMPRESSION",
        event_time=time.time_ns() // 1_000_000,
        user_id="drill",
        ad_id="drill",
        campaign_id=campaign_id,
        category=category,
    )
    return event, encode(event, _schema_id(settings.schema_registry_url, settings.events_topic))


def produce_value(
    producer: Producer, settings: Settings, event: AdEvent, value: bytes, partition: int | None = None
) -> None:
    """Sends an event's value by the event's campaign and time."""
    where = {} if partition is None else {"partition": partition}
    producer.produce(
        settings.events_topic, value=value, key=event.campaign_id.encode(), timestamp=event.event_time, **where
    )
