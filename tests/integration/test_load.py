"""The generator against a real broker: what the ledger says is what stands on the topic."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest
from confluent_kafka import Consumer, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from compose.cli.load import group
from compose.process.errors import EnvironmentFailed
from compose.stack.processes.supervision import Supervisor
from loadgen import publisher
from loadgen.errors import LoadRefused
from loadgen.full_speed import run_full_speed
from loadgen.historic import historic
from loadgen.ledger import Ledger, read_ledger
from loadgen.ledger_index import read_ledgers
from loadgen.live import run_live
from loadgen.pacer import SteadyPacer
from loadgen.profiles import Profile, find_profile
from loadgen.publisher import Publisher
from loadgen.run import LoadPlan, new_run_id
from loadgen.truth import expected_counts
from pipeline.contract.codec import AdEvent, Decoder, encode
from pipeline.contract.partitioner import partition_of
from pipeline.contract.registry import RegistrySchemas, find_schema_id
from pipeline.contract.rules import Fate, classify
from pipeline.contract.windows import window_start_seconds
from tests.dying_producer import DyingProducer

if TYPE_CHECKING:
    from typer import Context

    from pipeline.settings import Settings
    from tests.integration.conftest import RunningStack

DISORDER = Profile("disorder", campaigns=20, late_fraction=0.05, out_of_order_fraction=0.2, invalid_fraction=0.05)


def _plan(tmp_path: Path, profile: Profile) -> LoadPlan:
    run_id = new_run_id()
    return LoadPlan(profile, 1, tmp_path / f"{run_id}.ledger", run_id)


def _records(settings: Settings, ledger: Ledger) -> Iterator[Message]:
    """All records between the first and the last offset that the ledger has of each partition."""
    consumer = Consumer({"bootstrap.servers": settings.kafka_bootstrap, "group.id": "test-load"})
    try:
        for partition in sorted(set(ledger.partition.tolist())):
            offsets = ledger.offset[ledger.partition == partition]
            last = int(offsets.max())
            consumer.assign([TopicPartition(settings.events_topic, partition, int(offsets.min()))])
            while (message := consumer.poll(10)) is not None:
                assert message.error() is None
                yield message
                if message.offset() == last:
                    break
    finally:
        consumer.close()


def _is_of(event: AdEvent, ledger: Ledger) -> bool:
    return event.event_id.startswith(f"{ledger.run_id}-")


def test_the_ledger_is_the_topic(settings: Settings, tmp_path: Path) -> None:
    """3 s at 2,000/s with late, early and disordered events: all acknowledged, each where and what the ledger says."""
    result = run_live(settings, _plan(tmp_path, DISORDER), SteadyPacer(2_000, 3), threading.Event())
    assert (result.sent, result.acknowledged, result.failed) == (6_000, 6_000, 0)
    ledger = read_ledger(result.ledger)
    assert ledger.ended_cleanly
    decoder = Decoder(RegistrySchemas(settings.schema_registry_url).fetch)
    places, fates, counts = {}, Counter[Fate](), Counter[tuple[int, str, str, str]]()
    for message in _records(settings, ledger):
        fate, event, _ = classify(message.value(), message.timestamp()[1], decoder, settings.allowed_lateness_seconds)
        if event is None or not _is_of(event, ledger):
            continue
        assert message.key() == event.campaign_id.encode()
        places[event.event_id] = (message.partition(), message.offset())
        fates[fate] += 1
        if fate is Fate.COUNTED:
            window = window_start_seconds(event.event_time, 60)
            counts[window, event.campaign_id, event.category, event.event_type] += 1
    assert places == {
        f"{ledger.run_id}-{seq}": place
        for seq, place in zip(
            ledger.seq.tolist(), zip(ledger.partition.tolist(), ledger.offset.tolist(), strict=True), strict=True
        )
    }
    assert fates[Fate.LATE] == ledger.late.sum() > 0
    assert fates[Fate.INVALID] == ledger.invalid.sum() > 0
    expected = expected_counts(ledger, 60)
    assert {key[:3] for key in counts} == set(expected)
    for key, wanted in expected.items():
        assert (counts[*key, "IMPRESSION"], counts[*key, "CLICK"]) == (wanted.impressions, wanted.clicks)


def test_a_campaign_is_on_one_partition_in_the_order_of_sending(settings: Settings, tmp_path: Path) -> None:
    """The n-th event of a campaign in the ledger has its n-th offset: count matching rests on it."""
    result = run_live(settings, _plan(tmp_path, find_profile("steady")), SteadyPacer(2_000, 2), threading.Event())
    ledger = read_ledger(result.ledger)
    for index, name in enumerate(ledger.header.campaigns):
        mine = ledger.campaign == index
        assert set(ledger.partition[mine].tolist()) <= {partition_of(name.encode(), settings.events_partitions)}
        offsets = ledger.offset[mine].tolist()
        assert offsets == sorted(offsets)


def test_a_record_has_the_time_it_is_given(settings: Settings) -> None:
    """Two minutes ago, not the moment of sending: preloads and replays rest on it."""
    time_ms = time.time_ns() // 1_000_000 - 120_000
    event = AdEvent(f"{new_run_id()}-1", "IMPRESSION", time_ms, "u", "a", "test-record-time", "test")
    schema_id = find_schema_id(settings.schema_registry_url, settings.events_topic)
    publisher = Publisher(settings)
    publisher.send([encode(event, schema_id)], [b"test-record-time"], [2], time_ms)
    while publisher.outstanding():
        publisher.poll(1)
    answers = publisher.take_answers()
    assert (answers.seqs.tolist(), answers.partitions.tolist()) == ([1], [2])
    consumer = Consumer({"bootstrap.servers": settings.kafka_bootstrap, "group.id": "test-load"})
    consumer.assign([TopicPartition(settings.events_topic, 2, int(answers.offsets[0]))])
    message = consumer.poll(10)
    consumer.close()
    assert message is not None
    assert message.timestamp()[1] == time_ms


def test_a_producer_that_dies_leaves_a_complete_ledger(
    stack: RunningStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After 500 events the producer takes no more: a message and exit code 4, and every event sent has its answer."""
    monkeypatch.setattr(DyingProducer, "takes", 500)
    monkeypatch.setattr(publisher, "Producer", DyingProducer)
    file = tmp_path / "dying.ledger"
    with pytest.raises(EnvironmentFailed, match="start the load again"):
        group.run(cast("Context", SimpleNamespace(obj=stack.data_dir)), rate=1_000, seconds=60, ledger=file)
    ledger = read_ledger(file)
    assert ledger.ended_cleanly
    assert ledger.acked.sum() == 500
    assert len(ledger.seq) - 500 == ledger.failed.sum() > 0


def test_the_partitioner_is_that_of_other_clients(settings: Settings) -> None:
    """librdkafka, left to choose by murmur2_random, sends 200 keys where we would."""
    topic = f"test-partitioner-{new_run_id()}"
    admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap})
    admin.create_topics([NewTopic(topic, num_partitions=7, replication_factor=1)])[topic].result()
    chosen: dict[bytes, int] = {}
    producer = Producer({"bootstrap.servers": settings.kafka_bootstrap, "partitioner": "murmur2_random"})
    try:
        for number in range(200):
            producer.produce(
                topic, b"", f"cmp-{number}", on_delivery=lambda _, m: chosen.__setitem__(m.key(), m.partition())
            )
        assert producer.flush(30) == 0
    finally:
        admin.delete_topics([topic])[topic].result()
    assert chosen == {key: partition_of(key, 7) for key in chosen}
    assert len(chosen) == 200


def test_loads_and_stacks_that_do_not_fit_are_refused(settings: Settings, tmp_path: Path) -> None:
    """No live load on a historic stack, no preload on a live one, no record times that the topic would refuse."""
    plan, stop = _plan(tmp_path, DISORDER), threading.Event()
    with pytest.raises(LoadRefused, match="historic"):
        run_live(dataclasses.replace(settings, historic=True), plan, SteadyPacer(1, 1), stop)
    with pytest.raises(LoadRefused, match="--historic"):
        historic(settings, plan, events=1, span_seconds=1, end_ms=1_700_000_000_000, stop=stop)
    with pytest.raises(LoadRefused, match="empty topic"):
        historic(
            dataclasses.replace(settings, historic=True),
            plan,
            events=1,
            span_seconds=1,
            end_ms=1_700_000_000_000,
            stop=stop,
        )
    an_hour_ago = time.time_ns() // 1_000_000 - 3_600_000
    with pytest.raises(LoadRefused, match="at most 540 s"):
        Publisher(settings).send([b"x"], [b"k"], [0], an_hour_ago)
    assert not plan.ledger.exists()


def _command(stack: RunningStack, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "compose.cli", "--data-dir", str(stack.data_dir), "load", *arguments]


def test_the_command_reports_what_scripts_rely_on(stack: RunningStack) -> None:
    """JSON keys, exit code 0, and a ledger in the data directory."""
    done = subprocess.run(
        _command(stack, "run", "--rate", "500", "--seconds", "2", "--format", "json"),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["sent"], report["acknowledged"], report["failed"]) == (1_000, 1_000, 0)
    assert report["rate_achieved"] == pytest.approx(500, rel=0.2)
    assert sorted(report["send_delay_seconds"]) == ["max", "p50", "p99"]
    assert report["ledger"] == str(stack.data_dir / "ledgers" / f"{report['run_id']}.ledger")
    assert read_ledger(Path(report["ledger"])).acked.all()
    assert done.stderr == ""


def test_ctrl_c_ends_a_run_cleanly(stack: RunningStack, tmp_path: Path) -> None:
    """Everything that was sent is acknowledged, the ledger holds no more than that and says so; exit code 130."""
    ledger_file = tmp_path / "interrupted.ledger"
    arguments = ("run", "--rate", "1000", "--seconds", "600", "--ledger", str(ledger_file), "--format", "json")
    process = subprocess.Popen(_command(stack, *arguments), stdout=subprocess.PIPE, text=True)
    while not ledger_file.exists() or ledger_file.stat().st_size < 50_000:
        assert process.poll() is None
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    ledger, report = read_ledger(ledger_file), json.loads(output)
    assert ledger.ended_cleanly
    assert len(ledger.seq) == report["sent"] == report["acknowledged"] == ledger.acked.sum()
    assert report["interrupted"]


def test_two_processes_are_one_run(stack: RunningStack, tmp_path: Path) -> None:
    """2,000/s of the profile `disorder` for 3 s: one ledger, every send acknowledged where it says, none besides."""
    path = tmp_path / "two.ledger"
    options = ("--rate", "2000", "--seconds", "3", "--profile", "disorder", "--processes", "2")
    done = subprocess.run(
        _command(stack, "run", *options, "--ledger", str(path), "--format", "json"),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["sent"], report["acknowledged"], report["failed"]) == (6_000, 6_000, 0)
    (ledger,) = read_ledgers(path)
    assert len(ledger.seq) == 6_000 == len(set(ledger.seq.tolist()))
    ids = Counter(event_id(message) for message in _records(stack.settings, ledger))
    sent = Counter(f"{ledger.run_id}-{seq}" for seq in ledger.seq.tolist())
    assert {each: count for each, count in ids.items() if each.startswith(f"{ledger.run_id}-")} == sent


@pytest.mark.long
@pytest.mark.embedded
def test_a_broker_that_is_killed_costs_no_truth(stack: RunningStack, tmp_path: Path) -> None:
    """At full speed, killed after a second: acknowledged ⊆ topic ⊆ sent, and every send has its answer."""
    killer = threading.Timer(1.5, _kill, [stack, "kafka"])
    killer.start()
    result = run_full_speed(stack.settings, _plan(tmp_path, find_profile("steady")), 3, threading.Event())
    killer.join()
    ledger = read_ledger(result.ledger)
    assert len(ledger.seq) == result.sent > 10_000
    assert (ledger.acked.sum(), (~ledger.acked).sum()) == (result.acknowledged, result.failed)
    assert result.acknowledged > 10_000
    on_topic = {
        (message.partition(), message.offset()): event_id(message)
        for message in _records(stack.settings, ledger)
        if event_id(message).startswith(f"{ledger.run_id}-")
    }
    assert len(set(on_topic.values())) == len(on_topic)
    places = zip(ledger.partition.tolist(), ledger.offset.tolist(), strict=True)
    acknowledged = {
        place: f"{ledger.run_id}-{seq}"
        for place, seq, acked in zip(places, ledger.seq.tolist(), ledger.acked.tolist(), strict=True)
        if acked
    }
    assert acknowledged.items() <= on_topic.items()
    assert {int(each.split("-")[1]) for each in on_topic.values()} <= set(ledger.seq.tolist())


def event_id(message: Message) -> str:
    """From the bytes: its length stands behind the header of five."""
    value = message.value()
    return str(value[6 : 6 + (value[5] >> 1)].decode())


def _kill(stack: RunningStack, service: str) -> None:
    supervisor = Supervisor.find(stack.layout)
    assert supervisor is not None
    os.kill(next(each.pid for each in supervisor.processes() if each.name == service), signal.SIGKILL)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "--rate", "0", "--seconds", "1"), "--rate 0"),
        (("run", "--rate", "10", "--seconds", "1", "--profile", "nosuch"), "known are bursty"),
        (("run", "--rate", "10", "--seconds", "1", "--late-fraction", "2"), "late_fraction=2.0"),
        (("run", "--rate", "10", "--seconds", "1", "--profile", "./nosuch.yaml"), "nosuch.yaml: can't be read"),
        (("historic", "--events", "10", "--span", "5 minutes"), "--span 5 minutes"),
        (("historic", "--events", "10"), "up --historic"),
    ],
)
def test_wrong_usage_is_exit_code_2(stack: RunningStack, arguments: tuple[str, ...], message: str) -> None:
    """With a message that names the option and what is allowed."""
    done = subprocess.run(_command(stack, *arguments), capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
