"""The jobs' decoder against the codec: the same verdict on the same bytes, in Java and in Python."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from compose.stack.java.build import JAVA_DIR
from pipeline.contract.codec import SCHEMA_TEXT, AdEvent, DecodeError, Decoder, UnknownSchemaId
from pipeline.contract.reasons import OF_BYTES, Reason
from pipeline.contract.registry import RegistrySchemas
from pipeline.contract.rules import invalid_fields
from tests.unit.pipeline.contract.generated.judges import judge, problem
from tests.unit.pipeline.contract.java_decoder import HttpRegistry, JavaDecoder, compile_decoder, java_decoder
from tests.vectors.make_records import BASE_MS, SCHEMA_ID, Builder, build, text, varint
from tests.vectors.make_writers import WRITERS_FILE

ENUM = {"type": "enum", "name": "Color", "symbols": ["RED", "GREEN"]}
FIXED = {"type": "fixed", "name": "Four", "size": 4}
RECORD = {"type": "record", "name": "Both", "fields": [{"name": "a", "type": "string"}, {"name": "b", "type": ENUM}]}
STRINGS = {"type": "array", "items": "string"}
COUNTS = {"type": "map", "values": "int"}
NOT_UTF8 = text(b"\xff\xfe")
END = varint(0)

WRITER_ONLY: list[tuple[str, Any, bytes, bool]] = [
    ("a string", "string", text("x"), True),
    ("a string that is not UTF-8", "string", NOT_UTF8, True),
    ("a string beyond the end", "string", varint(1_000_000), False),
    ("a string of 3 GB", "string", varint(3_000_000_000), False),
    ("a string of negative length", "string", varint(-1), False),
    ("a string of the most negative length", "string", varint(-(1 << 63)), False),
    ("bytes", "bytes", NOT_UTF8, True),
    ("bytes of negative length", "bytes", varint(-2), False),
    ("an enum", ENUM, varint(1), True),
    ("an enum beyond its symbols", ENUM, varint(7), True),
    ("an enum of index -1", ENUM, varint(-1), True),
    ("an enum of 6 bytes", ENUM, b"\x80\x80\x80\x80\x80\x00", False),
    ("a union of an index too many", ["null", "string"], varint(2), False),
    ("a union of index -1", ["null", "string"], varint(-1), False),
    ("a union of a string that is not UTF-8", ["null", "string"], varint(1) + NOT_UTF8, True),
    ("an array", STRINGS, varint(2) + text("a") + NOT_UTF8 + END, True),
    ("an array whose block states its size", STRINGS, varint(-1) + varint(2) + text("a") + END, True),
    ("an array whose block states another size", STRINGS, varint(-1) + varint(3) + text("a") + END, False),
    ("an array whose block leads backwards", STRINGS, varint(-1) + varint(-2) + text("a") + END, False),
    ("an array whose block leads beyond the end", STRINGS, varint(-1) + varint(1_000_000) + text("a") + END, False),
    ("an array of 10^12 strings", STRINGS, varint(10**12), False),
    ("an array of 10^12 nothings", {"type": "array", "items": "null"}, varint(10**12) + END, False),
    ("an array of the most negative count", STRINGS, varint(-(1 << 63)) + varint(0) + END, False),
    ("a map with a key that is not UTF-8", COUNTS, varint(1) + NOT_UTF8 + varint(3) + END, True),
    ("a map whose block states its size", COUNTS, varint(-1) + varint(3) + text("k") + varint(3) + END, True),
    ("a record of what is not looked into", RECORD, NOT_UTF8 + varint(9), True),
    ("fixed bytes", FIXED, b"\xff" * 4, True),
    ("a float and its bits", "float", b"\xff" * 4, True),
    ("a double and its bits", "double", b"\xff" * 8, True),
    ("a boolean of 7", "boolean", b"\x07", True),
    ("an int of 6 bytes", "int", b"\x80" * 5 + b"\x00", False),
    ("an int of 33 bits", "int", b"\xff\xff\xff\xff\x7f", True),
    ("a long of 10 bytes", "long", b"\xff" * 9 + b"\x7f", True),
    ("a long of 11 bytes", "long", b"\x80" * 10 + b"\x01", False),
]
"""Name, type and encoding of a field that only the writer has, and whether the record is an event all the same."""


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_decoder(tmp_path_factory.mktemp("classes"))


@pytest.fixture
def java(classes: Path) -> Iterator[tuple[JavaDecoder, HttpRegistry]]:
    with java_decoder(classes) as both:
        yield both


def _python(value: bytes, registry: HttpRegistry) -> AdEvent | str:
    """The event, or why the bytes alone say that there is none."""
    try:
        event = Decoder(registry.fetch).decode(value)
    except DecodeError as error:
        return f"invalid: {error.reason.of(str(error))}"
    reason = invalid_fields(event)
    return event if reason is None else f"invalid: {Reason.NOT_AN_EVENT.of(reason)}"


def _same(ours: AdEvent | str, theirs: AdEvent | str) -> bool:
    """The same event, or no event for either and one reason by code."""
    if isinstance(ours, str) and isinstance(theirs, str):
        return ours.split(": ")[:2] == theirs.split(": ")[:2]
    return ours == theirs


def test_java_has_the_codes_that_concern_bytes_and_no_others() -> None:
    source = (JAVA_DIR / "src/adctr/flink/Reason.java").read_text(encoding="utf-8")
    constants = source.partition("enum Reason {")[2].partition(";")[0]
    assert [name.strip().lower() for name in constants.split(",")] == list(OF_BYTES)


def test_an_id_below_one_is_invalid_also_before_the_first_good_record(java: tuple[JavaDecoder, HttpRegistry]) -> None:
    """A fresh decoder must not take -1 for the id of the schema that it knows best."""
    decoder, registry = java
    registry.schemas[SCHEMA_ID] = SCHEMA_TEXT
    good = Builder(BASE_MS, SCHEMA_ID).bytes_of()
    for schema_id in (-1, 0, -(1 << 31)):
        value = b"\x00" + schema_id.to_bytes(4, "big", signed=True) + good[5:]
        assert decoder.decode(value) == f"invalid: schema_unknown: schema id {schema_id} exists in no registry"
    assert registry.asked == []
    assert isinstance(decoder.decode(good), AdEvent)


def test_every_vector_means_the_same_to_both(java: tuple[JavaDecoder, HttpRegistry]) -> None:
    """Those of the contract, whose times don't matter here."""
    decoder, registry = java
    registry.schemas[SCHEMA_ID] = SCHEMA_TEXT
    for vector in build():
        if vector.value is not None:
            value = bytes.fromhex(vector.value)
            assert _same(_python(value, registry), decoder.decode(value)), vector.name


@pytest.mark.parametrize("thrown", ["java.lang.IllegalStateException", "java.lang.StackOverflowError"])
def test_whatever_is_thrown_while_a_record_is_decoded_costs_that_record(
    thrown: str, java: tuple[JavaDecoder, HttpRegistry]
) -> None:
    """Never the task, which would restart at the same record for ever."""
    decoder, registry = java
    registry.schemas[SCHEMA_ID] = SCHEMA_TEXT
    decoder.sabotage(thrown)
    assert decoder.decode(Builder(BASE_MS, SCHEMA_ID).bytes_of()) == f"invalid: not_an_event: not an ad event: {thrown}"


def test_an_exhausted_jvm_is_no_property_of_a_record(java: tuple[JavaDecoder, HttpRegistry]) -> None:
    """The task ends and starts again; the record is no dead letter."""
    decoder, registry = java
    registry.schemas[SCHEMA_ID] = SCHEMA_TEXT
    decoder.sabotage("java.lang.OutOfMemoryError")
    value = Builder(BASE_MS, SCHEMA_ID).bytes_of()
    assert decoder.decode(value) == "exception: java.lang.OutOfMemoryError"


def test_every_writers_schema_means_the_same_to_both(java: tuple[JavaDecoder, HttpRegistry]) -> None:
    """What strangers send, and what the generated tests found: the event that the vector states, or none."""
    decoder, _ = java
    for vector in json.loads(WRITERS_FILE.read_text(encoding="utf-8"))["writers"]:
        event = None if vector["event"] is None else AdEvent(**vector["event"])
        (each,) = judge(decoder, vector["schema"], [bytes.fromhex(vector["value"])])
        assert problem(each) is None, (vector["name"], each)
        assert (None if isinstance(each.java, str) else each.java) == event, (vector["name"], each)


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"references": [{"name": "com.example.Kind", "subject": "kind", "version": 1}]}, "com.example.Kind"),
        ({"schemaType": "PROTOBUF"}, "PROTOBUF"),
        ({"schemaType": "JSON"}, "JSON"),
    ],
)
def test_what_the_registry_has_beside_the_text_is_named(
    more: dict[str, Any], reason: str, java: tuple[JavaDecoder, HttpRegistry]
) -> None:
    """References and schemas of other kinds: one dead letter, whose reason names them, on both sides."""
    decoder, registry = java
    registry.schemas[SCHEMA_ID] = SCHEMA_TEXT
    registry.more = more
    value = Builder(BASE_MS, SCHEMA_ID).bytes_of()
    said = decoder.decode(value)
    assert str(said).startswith("invalid: schema_unusable: schema id 1 is not usable: ")
    assert reason in str(said)
    with pytest.raises(DecodeError, match=reason):
        Decoder(RegistrySchemas(registry.url).fetch).decode(value)


@pytest.mark.parametrize(
    "more", [{"schemaType": "AVRO"}, {"references": []}, {"maxId": 9, "guid": "x", "metadata": None}]
)
def test_what_the_registry_has_beside_the_text_and_says_nothing_is_ignored(
    more: dict[str, Any], java: tuple[JavaDecoder, HttpRegistry]
) -> None:
    decoder, registry = java
    registry.schemas[SCHEMA_ID] = SCHEMA_TEXT
    registry.more = more
    value = Builder(BASE_MS, SCHEMA_ID).bytes_of()
    assert decoder.decode(value) == Decoder(RegistrySchemas(registry.url).fetch).decode(value)


def test_hundreds_of_unknown_ids_are_one_question_where_the_registry_lists_what_it_has(classes: Path) -> None:
    """Each of them is unknown, the one that is listed is not, and an id that came later is asked about again."""
    values = [Builder(BASE_MS, schema_id).bytes_of() for schema_id in range(1, 401)]
    with java_decoder(classes, apicurio=True) as (decoder, registry):
        registry.schemas[40] = SCHEMA_TEXT
        schemas = RegistrySchemas(registry.apicurio_url)
        codec = Decoder(schemas.fetch, schemas.ids)
        with codec.batch(values):
            assert [each for each in map(codec_says(codec), values) if each != "unknown"] == [40]
        decoder.arrive(*values)
        verdicts = [decoder.decode(value) for value in values]
        assert [schema_id for schema_id, each in enumerate(verdicts, 1) if isinstance(each, AdEvent)] == [40]
        assert (registry.listed, registry.asked) == (2, [40, 40])
        registry.schemas[50] = SCHEMA_TEXT
        decoder.arrive(*values)
        assert isinstance(decoder.decode(values[49]), AdEvent)


def test_a_flood_of_unknown_ids_costs_the_registry_ten_questions_a_second_however_often_it_is_polled(
    classes: Path,
) -> None:
    """Few new ids in each of many polls: a question for each id would be as many as there are records."""
    with java_decoder(classes, apicurio=True) as (decoder, registry):
        began = time.monotonic()
        for poll in range(30):
            decoder.arrive(*(Builder(BASE_MS, 1000 + 20 * poll + each).bytes_of() for each in range(20)))
        seconds = time.monotonic() - began
        assert len(registry.asked) <= 32 * (seconds + 1)
        assert 1 <= registry.listed <= 10 * seconds + 1


def test_a_list_that_the_registry_does_not_give_makes_nothing_unknown(classes: Path) -> None:
    """While it is down nothing is a dead letter."""
    values = [Builder(BASE_MS, schema_id).bytes_of() for schema_id in range(1, 101)]
    with java_decoder(classes, apicurio=True) as (decoder, registry):
        registry.down = True
        decoder.arrive(*values)
        registry.schemas[7] = SCHEMA_TEXT
        assert str(decoder.decode(values[6])).startswith("unavailable: ")


def codec_says(codec: Decoder) -> Callable[[bytes], int | str]:
    """A value's schema id where it decodes, or ``unknown``."""

    def says(value: bytes) -> int | str:
        try:
            codec.decode(value)
        except UnknownSchemaId:
            return "unknown"
        return int.from_bytes(value[1:5], "big")

    return says


def test_many_ids_are_asked_for_at_once(java: tuple[JavaDecoder, HttpRegistry]) -> None:
    """Each is asked for once, before its record is read."""
    decoder, registry = java
    registry.schemas[20] = SCHEMA_TEXT
    values = [Builder(BASE_MS, schema_id).bytes_of() for schema_id in range(1, 31)]
    decoder.arrive(*values)
    assert sorted(registry.asked) == list(range(1, 31))
    verdicts = [decoder.decode(value) for value in values]
    assert [schema_id for schema_id, each in enumerate(verdicts, 1) if isinstance(each, AdEvent)] == [20]
    assert len(registry.asked) == 30


def test_a_field_that_only_the_writer_has_is_skipped_by_both(java: tuple[JavaDecoder, HttpRegistry]) -> None:
    """In the middle of the record: its structure must fit, what it says is nobody's business."""
    decoder, registry = java
    for schema_id, (name, kind, encoded, counts) in enumerate(WRITER_ONLY, 1):
        schema = json.loads(SCHEMA_TEXT)
        schema["fields"].insert(5, {"name": "extra", "type": kind})
        registry.schemas[schema_id] = json.dumps(schema)
        parts = list(Builder(BASE_MS, schema_id).good.values())
        value = b"".join([*parts[:6], encoded, *parts[6:]])
        ours, theirs = _python(value, registry), decoder.decode(value)
        assert isinstance(ours, AdEvent) is counts, f"{name}: Python says {ours}"
        assert _same(ours, theirs), f"{name}: Python says {ours}, Java {theirs}"


def test_a_length_never_leads_backwards(java: tuple[JavaDecoder, HttpRegistry]) -> None:
    """Avro skips a string of -2 bytes by going back 2: into one before it, which then is read as the next field."""
    decoder, registry = java
    schema = json.loads(SCHEMA_TEXT)
    schema["fields"].insert(5, {"name": "extra", "type": "string"})
    registry.schemas[SCHEMA_ID] = json.dumps(schema)
    parts = Builder(BASE_MS, SCHEMA_ID).good
    back = varint(-2)
    parts["ad_id"] = text(varint(len(back) + len(parts["campaign_id"])))  # the length of another name, up to category
    parts["campaign_id"] = back + parts["campaign_id"]
    value = b"".join(parts.values())
    assert str(decoder.decode(value)).startswith("invalid: ")
    assert str(_python(value, registry)).startswith("invalid: ")


def test_our_own_fields_are_judged_whoever_wrote_them(java: tuple[JavaDecoder, HttpRegistry]) -> None:
    """A newer writer's user_id must be UTF-8, and its event type one of ours."""
    decoder, registry = java
    schema = json.loads(SCHEMA_TEXT)
    schema["fields"].append({"name": "extra", "type": "string"})
    registry.schemas[SCHEMA_ID] = json.dumps(schema)
    builder = Builder(BASE_MS, SCHEMA_ID)
    cases: list[tuple[dict[str, bytes], bool]] = [
        ({}, True),
        ({"user_id": NOT_UTF8}, False),
        ({"event_type": varint(2)}, False),
    ]
    for parts, counts in cases:
        value = builder.bytes_of(**parts) + NOT_UTF8
        ours, theirs = _python(value, registry), decoder.decode(value)
        assert isinstance(ours, AdEvent) is counts
        assert _same(ours, theirs)


def test_an_id_that_is_registered_after_it_was_unknown_is_known_to_the_next_record(
    java: tuple[JavaDecoder, HttpRegistry],
) -> None:
    """Whoever arrives later was sent later; nobody waits, and no good event becomes a dead letter."""
    decoder, registry = java
    value = Builder(BASE_MS, SCHEMA_ID).bytes_of()
    decoder.arrive(value)
    assert decoder.decode(value) == "invalid: schema_unknown: schema id 1 is unknown to the registry"
    registry.schemas[SCHEMA_ID] = SCHEMA_TEXT
    decoder.arrive(value)
    assert isinstance(decoder.decode(value), AdEvent)


def test_a_flood_of_one_unknown_id_is_asked_for_once_per_poll(java: tuple[JavaDecoder, HttpRegistry]) -> None:
    """The decoder relies on what the consumer was told; only without that it asks by itself."""
    decoder, registry = java
    value = Builder(BASE_MS, SCHEMA_ID).bytes_of()
    decoder.arrive(value)
    for _ in range(5):
        assert decoder.decode(value) == "invalid: schema_unknown: schema id 1 is unknown to the registry"
    assert registry.asked == [1]


def test_a_registry_that_went_away_makes_nothing_unknown(java: tuple[JavaDecoder, HttpRegistry]) -> None:
    """An id that was unknown before may be registered now: the record waits until the registry says."""
    decoder, registry = java
    value = Builder(BASE_MS, SCHEMA_ID).bytes_of()
    decoder.arrive(value)
    registry.down = True
    decoder.arrive(value)
    assert str(decoder.decode(value)).startswith("unavailable: ")
    registry.down = False
    registry.schemas[SCHEMA_ID] = SCHEMA_TEXT
    assert isinstance(decoder.decode(value), AdEvent)


def test_a_registry_that_comes_back_is_waited_for(java: tuple[JavaDecoder, HttpRegistry]) -> None:
    """Without a restart of the job, after several of which Flink leaves it alone for seconds."""
    decoder, registry = java
    registry.schemas |= {SCHEMA_ID: SCHEMA_TEXT, SCHEMA_ID + 1: SCHEMA_TEXT}
    # By now the process runs: it takes longer to start than the registry is away.
    assert isinstance(decoder.decode(Builder(BASE_MS, SCHEMA_ID + 1).bytes_of()), AdEvent)
    registry.down = True
    back = threading.Timer(0.7, setattr, (registry, "down", False))
    back.start()
    assert isinstance(decoder.decode(Builder(BASE_MS, SCHEMA_ID).bytes_of()), AdEvent)
    back.join()
