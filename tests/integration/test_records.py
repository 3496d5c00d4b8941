"""The record vectors against the running jobs: what Python says of a record, Flink does with it."""

from __future__ import annotations

import time

import pytest
import requests
from confluent_kafka import Consumer, Producer, TopicPartition

from pipeline.canary import canary_event
from pipeline.contract.codec import encode
from pipeline.contract.registry import register_schema
from pipeline.job_names import JOBS, flink_name
from pipeline.settings import Settings
from pipeline.store import connect_reader
from tests.vectors.make_records import Vector, build

Origin = tuple[int, int]


@pytest.fixture(scope="module")
def sent(settings: Settings) -> dict[Origin, Vector]:
    """Every vector, around now, on the events topic; good and bad ones interleaved in one partition; both jobs past."""
    schema_id = register_schema(settings.schema_registry_url, settings.events_topic)
    vectors = build(int(time.time() * 1000), schema_id)
    origins: dict[Origin, Vector] = {}
    producer = Producer({"bootstrap.servers": settings.kafka_bootstrap, "enable.idempotence": True})
    for vector in vectors:

        def remember(error: object, message: object, vector: Vector = vector) -> None:
            assert error is None, f"{vector.name}: {error}"
            origins[message.partition(), message.offset()] = vector  # type: ignore[attr-defined]

        value = None if vector.value is None else bytes.fromhex(vector.value)
        producer.produce(
            settings.events_topic,
            value,
            vector.name.encode(),
            partition=1,
            timestamp=vector.record_time_ms,
            headers={"vector": vector.name.encode()},
            on_delivery=remember,
        )
    producer.flush(30)
    assert len(origins) == len(vectors)
    _wait_for_jobs(settings, 1, max(offset for _, offset in origins))
    return origins


def _wait_for_jobs(settings: Settings, partition: int, offset: int) -> None:
    """Until a complete checkpoint of each job covers the offset."""
    deadline = time.monotonic() + 60
    for job in JOBS:
        group = Consumer({"bootstrap.servers": settings.kafka_bootstrap, "group.id": flink_name(job)})
        try:
            while group.committed([TopicPartition(settings.events_topic, partition)], 10)[0].offset <= offset:
                assert time.monotonic() < deadline, f"job {job} did not pass offset {offset}"
                time.sleep(0.5)
        finally:
            group.close()


def _restarts(settings: Settings) -> dict[str, int]:
    """When Flink last restarted each running job (0: never), by the job's id."""
    jobs = requests.get(f"{settings.flink_rest_url}/jobs", timeout=10).json()["jobs"]
    running = [job["id"] for job in jobs if job["status"] == "RUNNING"]
    found = [requests.get(f"{settings.flink_rest_url}/jobs/{job}", timeout=10).json() for job in running]
    return {job["jid"]: job["timestamps"]["RESTARTING"] for job in found}


def _letters(settings: Settings, topic: str) -> dict[Origin, tuple[bytes | None, bytes | None, dict[str, bytes]]]:
    """Everything on a topic of letters, by origin."""
    consumer = Consumer(
        {"bootstrap.servers": settings.kafka_bootstrap, "group.id": "test-letters", "enable.auto.commit": False}
    )
    try:
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, 0), 10)
        consumer.assign([TopicPartition(topic, 0, low)])
        found = {}
        for _ in range(low, high):
            message = consumer.poll(10)
            assert message is not None, f"{topic} ended early"
            headers = {name: value or b"" for name, value in message.headers() or []}
            origin = (int(headers["__connect.errors.partition"]), int(headers["__connect.errors.offset"]))
            found[origin] = (message.key(), message.value(), headers)
        return found
    finally:
        consumer.close()


def _of_fate(sent: dict[Origin, Vector], *fates: str) -> dict[Origin, str]:
    return {origin: vector.name for origin, vector in sent.items() if vector.fate in fates}


def _rows(settings: Settings, query: str) -> list[tuple[object, ...]]:
    with connect_reader(settings) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


def test_every_invalid_record_is_dead_lettered_as_it_was(settings: Settings, sent: dict[Origin, Vector]) -> None:
    """Bytes, key, headers, origin, time and a reason; and no good record is among them."""
    letters = _letters(settings, settings.dead_letter_topic)
    dead = {origin: sent[origin].name for origin in letters if origin in sent}
    assert dead == _of_fate(sent, "invalid")
    for origin, (key, value, headers) in letters.items():
        if origin in sent:
            vector = sent[origin]
            assert value == bytes.fromhex(vector.value or ""), vector.name
            assert key == headers["vector"] == vector.name.encode()
            assert headers["__connect.errors.topic"] == settings.events_topic.encode()
            assert int(headers["__connect.errors.timestamp"]) == vector.record_time_ms
            assert headers["__connect.errors.exception.message"]


def test_late_events_go_to_their_topic(settings: Settings, sent: dict[Origin, Vector]) -> None:
    """Those, all of those and nothing else."""
    letters = _letters(settings, settings.late_topic)
    assert {origin: sent[origin].name for origin in letters if origin in sent} == _of_fate(sent, "late")


def test_valid_events_are_stored_and_late_ones_flagged(settings: Settings, sent: dict[Origin, Vector]) -> None:
    """raw_events holds the counted and the late, distinguished by their flag."""
    rows = _rows(settings, "SELECT kafka_partition, kafka_offset, late FROM realtime.raw_events")
    stored = {(partition, offset): late for partition, offset, late in rows}
    for flag, fate in ((False, "counted"), (True, "late")):
        found = {origin: vector.name for origin, vector in sent.items() if stored.get(origin) is flag}
        assert found == _of_fate(sent, fate)


def test_tombstones_are_recorded(settings: Settings, sent: dict[Origin, Vector]) -> None:
    """A record without a value is neither an event nor a dead letter."""
    origins = set(_rows(settings, "SELECT kafka_partition, kafka_offset FROM realtime.tombstones"))
    assert {origin: sent[origin].name for origin in sent if origin in origins} == _of_fate(sent, "tombstone")


def test_what_a_transaction_takes_back_was_never_published(settings: Settings) -> None:
    """One good event aborted, one committed in the same partition: the second alone is an event."""
    schema_id = register_schema(settings.schema_registry_url, settings.events_topic)
    now_ms = int(time.time() * 1000)
    producer = Producer({"bootstrap.servers": settings.kafka_bootstrap, "transactional.id": f"test-{now_ms}"})
    producer.init_transactions(30)
    offsets: list[int] = []
    for name, end in (("taken-back", producer.abort_transaction), ("kept", producer.commit_transaction)):
        event = canary_event(2, f"{name}-{now_ms}", now_ms)
        producer.begin_transaction()
        producer.produce(
            settings.events_topic,
            encode(event, schema_id),
            partition=2,
            timestamp=now_ms,
            on_delivery=lambda _, message: offsets.append(message.offset()),
        )
        producer.flush(30)
        end(30)
    assert len(offsets) == 2
    _wait_for_jobs(settings, 2, offsets[1])
    found = _rows(settings, f"SELECT event_id FROM realtime.raw_events WHERE event_id LIKE '%-{now_ms}'")  # noqa: S608
    assert found == [(f"kept-{now_ms}",)]


def test_the_largest_records_become_letters_and_restart_nothing(settings: Settings) -> None:
    """One as large as the broker takes, to which a letter adds headers, and one of 3 MB that is small on the wire."""
    before = _restarts(settings)
    now_ms = int(time.time() * 1000)
    values = {"none": b"\x01" * 1_048_400, "zstd": b"\x01" * 3_000_000}
    offsets: dict[str, int] = {}
    for compression, value in values.items():
        producer = Producer(
            {
                "bootstrap.servers": settings.kafka_bootstrap,
                "message.max.bytes": 4_000_000,
                "compression.type": compression,
                "enable.idempotence": True,
            }
        )

        def remember(error: object, message: object, name: str = compression) -> None:
            assert error is None, f"{name}: {error}"
            offsets[name] = message.offset()  # type: ignore[attr-defined]

        producer.produce(settings.events_topic, value, partition=3, timestamp=now_ms, on_delivery=remember)
        assert producer.flush(30) == 0
    assert set(offsets) == set(values)
    _wait_for_jobs(settings, 3, max(offsets.values()))
    letters = _letters(settings, settings.dead_letter_topic)
    for name, value in values.items():
        assert letters[3, offsets[name]][1] == value, name
    assert _restarts(settings) == before
