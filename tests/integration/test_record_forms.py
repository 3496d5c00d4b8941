"""Records as other people's clients send them: odd times, keys, headers, codecs and sizes. None stops a job."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from pipeline.canary import canary_event
from pipeline.contract.codec import AdEvent, encode
from pipeline.contract.letter_size import KEPT_BYTES, MOST_RECORD_BYTES
from pipeline.contract.registry import register_schema
from pipeline.contract.rules import LATEST_RECORD_TIME_MS
from pipeline.dead_letters.letter import Letter
from pipeline.dead_letters.letter_topic import LetterTopic
from pipeline.dead_letters.selection import LetterSelection
from pipeline.provision import UNLIMITED_MS, topic_specs
from pipeline.settings import Settings
from pipeline.store import connect_reader
from tests.integration.commands import adctr, adctr_json
from tests.integration.raw_producer import RawRecord, produce
from tests.integration.test_records import _restarts, _wait_for_jobs

if TYPE_CHECKING:
    from tests.integration.conftest import RunningStack

PARTITION = 2
LONG_MIN, LONG_MAX = -(1 << 63), (1 << 63) - 1
INVALID_TIMESTAMP = 32
RECORD_TIMES = {
    "no time": -1,
    "1970": 0,
    "before 1970": -2,
    "least": LONG_MIN,
    "least that a live broker could add up": LONG_MIN + 2_000_000_000_000,
    "9,507 BC": -300_000_000_000_000,
    "last in range": LATEST_RECORD_TIME_MS,
    "first behind the range": LATEST_RECORD_TIME_MS + 1,
    "year 12,000": 316_516_000_000_000,
    "greatest": LONG_MAX,
}
LARGE = MOST_RECORD_BYTES + 8_000_000


@dataclass(frozen=True)
class Sender:
    """Sends single records to one partition and remembers how far they reach."""

    settings: Settings
    schema_id: int
    number: list[int]

    def event(self, **changes: str | int) -> AdEvent:
        """A new event of now."""
        self.number[0] += 1
        now_ms = int(time.time() * 1000)
        event = canary_event(PARTITION, f"form-{self.number[0]}-{now_ms}", now_ms)
        return event._replace(**changes)  # type: ignore[arg-type]

    def good(self, **changes: str | int) -> bytes:
        """Its bytes."""
        return encode(self.event(**changes), self.schema_id)

    def raw(self, record: RawRecord) -> tuple[int, int]:
        """Past every client library: error code and offset."""
        return produce(self.settings.kafka_bootstrap, self.settings.events_topic, PARTITION, record)

    def sent(self, record: RawRecord) -> int:
        """The offset of a record that the broker takes."""
        error, offset = self.raw(record)
        assert error == 0, record
        return offset

    def packed(self, value: bytes, key: bytes | None, headers: dict[str, bytes], codec: str = "zstd") -> int:
        """The offset of a record that was sent compressed."""
        options = {"message.max.bytes": 200_000_000, "queue.buffering.max.kbytes": 400_000, "compression.type": codec}
        producer = Producer({"bootstrap.servers": self.settings.kafka_bootstrap, **options})
        offsets: list[int] = []

        def remember(error: object, message: object) -> None:
            assert error is None, error
            offsets.append(message.offset())  # type: ignore[attr-defined]

        now_ms = int(time.time() * 1000)
        topic = self.settings.events_topic
        producer.produce(topic, value, key, PARTITION, remember, timestamp=now_ms, headers=headers)
        assert producer.flush(60) == 0
        return offsets[0]


@pytest.fixture(scope="module")
def sender(settings: Settings) -> Sender:
    """Good events have new ids throughout the module."""
    return Sender(settings, register_schema(settings.schema_registry_url, settings.events_topic), [0])


@pytest.fixture(autouse=True)
def restarts_nothing(settings: Settings) -> Iterator[None]:
    """Around each test: both jobs are the same attempts as before."""
    before = _restarts(settings)
    yield
    assert _restarts(settings) == before


ANY_RECORD_TIME = dict.fromkeys(
    ("message.timestamp.after.max.ms", "message.timestamp.before.max.ms"), str(UNLIMITED_MS)
)


@contextmanager
def topic_of_others(settings: Settings, changed: dict[str, str]) -> Iterator[None]:
    """The topic as somebody else may have made it."""
    admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap})
    ours = topic_specs(settings)[0].config

    def configure(values: dict[str, str | None]) -> None:
        entries = [
            ConfigEntry(
                key,
                value,
                incremental_operation=AlterConfigOpType.DELETE if value is None else AlterConfigOpType.SET,
            )
            for key, value in values.items()
        ]
        change = ConfigResource(ResourceType.TOPIC, settings.events_topic, incremental_configs=entries)
        admin.incremental_alter_configs([change])[change].result()

    configure(dict(changed))
    try:
        yield
    finally:
        configure({name: ours.get(name) for name in changed})


def letters(settings: Settings, topic: str | None = None) -> dict[int, Letter]:
    """The letters of the partition, by the offset of their record."""
    found = LetterTopic(settings, topic or settings.dead_letter_topic).read(LetterSelection(partition=PARTITION))
    return {letter.offset: letter for letter in found}


def offsets_of(settings: Settings, table: str) -> set[int]:
    """The partition's offsets in a table."""
    with connect_reader(settings) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT kafka_offset FROM realtime.{table} WHERE kafka_partition = {PARTITION}")  # noqa: S608
        return {offset for (offset,) in cursor.fetchall()}


def test_a_live_broker_takes_one_time_out_of_bounds(settings: Settings, sender: Sender) -> None:
    """-1 stands for no time at all, and no bound applies to it."""
    answers = {time_ms: sender.raw(RawRecord(sender.good(), time_ms)) for time_ms in RECORD_TIMES.values()}
    taken = [time_ms for time_ms, (error, _) in answers.items() if error == 0]
    assert taken == [-1]
    assert {error for error, _ in answers.values()} == {0, INVALID_TIMESTAMP}
    _wait_for_jobs(settings, PARTITION, answers[-1][1])
    letter = letters(settings)[answers[-1][1]]
    assert (letter.record_time_ms, letter.reason) == (-1, "record_time: the record time is out of range")


def test_no_record_time_stops_a_job(settings: Settings, sender: Sender) -> None:
    """Events, rejects and tombstones of any time, on a topic without bounds: each ends where its kind does."""
    events, bad, tombstones = {}, {}, {}
    with topic_of_others(settings, ANY_RECORD_TIME):
        for name, time_ms in RECORD_TIMES.items():
            events[sender.sent(RawRecord(sender.good(), time_ms))] = name
            bad[sender.sent(RawRecord(b"xx", time_ms))] = name
            tombstones[sender.sent(RawRecord(None, time_ms))] = name
    last = sender.sent(RawRecord(sender.good(), int(time.time() * 1000)))
    _wait_for_jobs(settings, PARTITION, last)
    dead, late = letters(settings), letters(settings, settings.late_topic)
    assert {bad[offset]: dead[offset].record_time_ms for offset in bad} == RECORD_TIMES
    assert {events[offset] for offset in events if offset in late} == {"last in range"}
    rejected = {events[offset]: dead[offset].record_time_ms for offset in events if offset in dead}
    assert rejected == {name: time_ms for name, time_ms in RECORD_TIMES.items() if name != "last in range"}
    assert tombstones.keys() <= offsets_of(settings, "tombstones")
    assert last in offsets_of(settings, "raw_events")


def test_a_topic_whose_broker_sets_the_record_times_counts_as_well(settings: Settings, sender: Sender) -> None:
    """Whatever time the producer gives, the record has that of its arrival."""
    with topic_of_others(settings, {"message.timestamp.type": "LogAppendTime"}):
        offsets = {sender.sent(RawRecord(sender.good(), time_ms)) for time_ms in (-1, 0, int(time.time() * 1000))}
        bad = sender.sent(RawRecord(b"xx", 0))
    _wait_for_jobs(settings, PARTITION, bad)
    assert offsets <= offsets_of(settings, "raw_events")
    assert abs(letters(settings)[bad].record_time_ms / 1000 - time.time()) < 600


HEADERS: tuple[tuple[bytes, bytes | None], ...] = (
    (b"null", None),
    (b"empty", b""),
    (b"twice", b"first"),
    (b"twice", b"last"),
    ("größe 😀".encode(), b"\xff\x00"),
    (b"", b"a name without a character"),
    (b"__connect.errors.topic", b"another"),
    (b"__connect.errors.shortened", b"12345678"),
)
NOT_UTF_8 = (b"\xff\xfe", b"whatever")
KEYS = {
    "null": None,
    "empty": b"",
    "not UTF-8": b"\xff\xfe\x00",
    "a number": b"\x00\x00\x00\x07",
    "large": b"k" * 900_000,
}


def test_keys_and_headers_of_any_kind_are_kept(settings: Settings, sender: Sender) -> None:
    """In the letters of invalid records and of late events; of a counted event neither matters."""
    now_ms = int(time.time() * 1000)
    sent: dict[int, bytes | None] = {}
    late: dict[int, bytes | None] = {}
    for key in KEYS.values():
        sent[sender.sent(RawRecord(b"xx", now_ms, key, HEADERS))] = key
        late[sender.sent(RawRecord(sender.good(event_time=now_ms - 700_000), now_ms, key, HEADERS))] = key
    unreadable = sender.sent(RawRecord(b"xx", now_ms, b"key", (NOT_UTF_8,)))
    last = sender.sent(RawRecord(sender.good(), now_ms, None, (*HEADERS, NOT_UTF_8)))
    _wait_for_jobs(settings, PARTITION, last)
    for expected, found in ((sent, letters(settings)), (late, letters(settings, settings.late_topic))):
        for offset, key in expected.items():
            letter = found[offset]
            assert (letter.key, letter.topic, letter.shortened) == (key, settings.events_topic, None)
            assert dict(letter.headers) == {"empty": b"", "twice": b"last", "größe 😀": b"\xff\x00", "": HEADERS[5][1]}
    assert letters(settings)[unreadable].headers == (("\ufffd\ufffd", b"whatever"),)
    assert last in offsets_of(settings, "raw_events")


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_every_codec_is_read(settings: Settings, sender: Sender, codec: str) -> None:
    """By both jobs, and by whoever folds the topic."""
    offset = sender.packed(sender.good(), b"key", {}, codec)
    _wait_for_jobs(settings, PARTITION, offset)
    assert offset in offsets_of(settings, "raw_events")


def test_records_too_large_for_a_letter_leave_their_beginning(settings: Settings, sender: Sender) -> None:
    """Invalid and late ones, by their value, their key or a header; each is less than 1 MB on the wire."""
    now_ms = int(time.time() * 1000)
    text = "x" * 12_000_000
    texts = dict.fromkeys(("user_id", "ad_id", "placement", "device"), text)
    late = sender.packed(sender.good(event_time=now_ms - 700_000, **texts), b"key", {"some": b"header"})
    fits = sender.packed(b"\x01" * (MOST_RECORD_BYTES - 100_000), b"key", {"some": b"header"})
    dead = {
        "value": sender.packed(b"\x01" * LARGE, b"key", {"some": b"header"}),
        "key": sender.packed(b"\x01", b"k" * LARGE, {"some": b"header"}),
        "header": sender.packed(b"\x01", b"key", {"some": b"h" * LARGE}),
    }
    _wait_for_jobs(settings, PARTITION, dead["header"])
    found = letters(settings)
    for name, offset in dead.items():
        letter = found[offset]
        assert letter.shortened is not None, name
        assert LARGE < letter.shortened < LARGE + 100, name
        assert len(letter.key or b"") == (KEPT_BYTES if name == "key" else 3)
        assert len(letter.value or b"") == (KEPT_BYTES if name == "value" else 1)
        assert letter.headers == ()
    whole = found[fits]
    assert (len(whole.value or b""), whole.shortened, whole.headers) == (
        MOST_RECORD_BYTES - 100_000,
        None,
        (("some", b"header"),),
    )
    assert len(letters(settings, settings.late_topic)[late].value or b"") == KEPT_BYTES
    assert late in offsets_of(settings, "raw_events")


def test_everything_is_exact_after_all_of_them(stack: RunningStack) -> None:
    """The fold says of each record what the jobs did; dead letters can be listed and exported."""
    report = adctr_json(stack.data_dir, "verify")
    assert report["exact"]
    listed = adctr_json(stack.data_dir, "dlq", "list", "--limit", "0")["letters"]
    assert {row["offset"] for row in listed if row["partition"] == PARTITION and row["shortened"]}
    ended = adctr(stack.data_dir, "dlq", "export", "--out", str(stack.data_dir / "forms.jsonl"))
    assert ended.returncode == 0, ended.stderr
