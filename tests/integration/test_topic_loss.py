"""What a topic loses while no job reads it is reported, and counted once it is accepted. Partitions may be added."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic

from compose.stack.layout import Layout
from compose.stack.lifecycle import take_down
from compose.stack.processes.supervision import Supervisor
from compose.stack.state import load_settings
from pipeline.canary import canary_event
from pipeline.contract.codec import encode
from pipeline.contract.registry import register_schema
from pipeline.provision import topic_specs
from pipeline.settings import Settings
from pipeline.store import connect_reader
from pipeline.topic_reader import TopicReader
from tests.integration.commands import adctr, adctr_json
from tests.integration.sending import Record, send
from tests.integration.waiting import eventually

pytestmark = [pytest.mark.embedded, pytest.mark.long]

UNREAD = 50
UP = ("up", "--ports", "auto", "--no-monitoring")


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A stack of the module's own, as its topic does not outlive it."""
    data_dir = tmp_path_factory.mktemp("losing")
    try:
        ended = adctr(data_dir, *UP)
        assert ended.returncode == 0, ended.stderr
        yield data_dir
    finally:
        take_down(Layout.of(data_dir))


def _admin(settings: Settings) -> AdminClient:
    return AdminClient({"bootstrap.servers": settings.kafka_bootstrap})


def _good(settings: Settings, number: int, partition: int) -> Record:
    now_ms = int(time.time() * 1000)
    schema_id = register_schema(settings.schema_registry_url, settings.events_topic)
    return Record(encode(canary_event(partition, f"loss-{number}-{now_ms}", now_ms), schema_id), now_ms, partition)


def _stop_reading(directory: Path) -> Settings:
    """The jobs end, and the canary; the servers go on."""
    supervisor = Supervisor.find(Layout.of(directory))
    assert supervisor is not None
    supervisor.stop_processes(["jobs", "canary", "taskmanager-live", "taskmanager-store", "jobmanager"], 40)
    return load_settings(directory)


def test_added_partitions_are_read_and_get_a_canary(directory: Path) -> None:
    """Within seconds, and every count is exact."""
    settings = load_settings(directory)
    more = NewPartitions(settings.events_topic, settings.events_partitions + 2)
    admin = _admin(settings)  # kept until it has answered
    admin.create_partitions([more])[settings.events_topic].result()
    newest = settings.events_partitions + 1
    eventually("the broker knows the new partition", lambda: newest in _partitions(settings), 30)
    send(settings, [_good(settings, number, newest) for number in range(10)])

    def stored() -> int:
        with connect_reader(settings) as connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM realtime.raw_events WHERE kafka_partition = %s AND event_id LIKE 'canary-%%'",
                (newest,),
            )
            return int(cursor.fetchone()[0])  # type: ignore[index]

    eventually("canaries of the new partition are stored", lambda: stored() > 2, 90)
    assert adctr_json(directory, "verify")["exact"]


def _partitions(settings: Settings) -> set[int]:
    with TopicReader(settings, "test-partitions") as reader:
        return set(reader.ranges(settings.events_topic))


def test_records_that_were_deleted_unread_are_named_and_counted(directory: Path) -> None:
    """`up` fails and says which; accepted, the jobs go on behind them."""
    settings = _stop_reading(directory)
    send(settings, [_good(settings, number, 1) for number in range(UNREAD)])
    admin = _admin(settings)
    with TopicReader(settings, "test-loss") as reader:
        end = reader.ranges(settings.events_topic)[1].end
    admin.delete_records([TopicPartition(settings.events_topic, 1, end)])
    eventually("the records have gone", lambda: _start(settings) == end, 30)
    assert adctr(directory, "down").returncode == 0
    refused = adctr(directory, *UP)
    assert refused.returncode == 4, refused.stdout
    assert "adctr-live is not started" in refused.stderr
    assert "adctr-store is not started" in refused.stderr
    assert f"to {end - 1}" in refused.stderr
    assert "adctr up --accept-loss" in refused.stderr
    accepted = adctr(directory, *UP, "--accept-loss")
    assert accepted.returncode == 0, accepted.stderr
    report = adctr_json(directory, "verify")
    assert report["exact"]
    assert report["lost"] >= 2 * UNREAD  # each job has lost them
    jobs = adctr_json(directory, "status")["jobs"]
    assert [job["lost_records"] >= UNREAD for job in jobs] == [True, True]


def _start(settings: Settings) -> int:
    with TopicReader(settings, "test-loss") as reader:
        return reader.ranges(settings.events_topic)[1].start


def test_a_topic_that_was_created_anew_is_another_one(directory: Path) -> None:
    """Though offsets of the old one may exist in it again."""
    settings = _stop_reading(directory)
    admin, spec = _admin(settings), topic_specs(settings)[0]
    admin.delete_topics([spec.name])[spec.name].result()
    new = NewTopic(spec.name, num_partitions=spec.partitions + 2, replication_factor=1, config=spec.config)

    def created() -> bool:
        try:
            admin.create_topics([new])[spec.name].result()
        except Exception:
            return False
        return True

    eventually("the topic is there again", created, 30)
    assert adctr(directory, "down").returncode == 0
    refused = adctr(directory, *UP)
    assert refused.returncode == 4, refused.stdout
    assert "there is another one now, with id" in refused.stderr
    accepted = adctr(directory, *UP, "--accept-loss")
    assert accepted.returncode == 0, accepted.stderr
