"""The wire format of an ad event: Confluent's framing around Avro binary data.

===========  =======================================================================
bytes        meaning
===========  =======================================================================
0            magic byte, always 0
1 to 4       id of the writer's schema in the Schema Registry, big-endian, at least 1
5 and on     the event in Avro binary encoding, with nothing behind it
===========  =======================================================================

The schema is ``ad_event.avsc``, registered under the subject ``ad-events-value`` with BACKWARD compatibility.
Which other writers' schemas are read, and how, is a rule of its own (docs/contract.md): our fields are found by name,
whatever the record is called, a field that only the writer has is skipped (its structure must fit, what it says is not
looked into), and one that the writer lacks takes its default.
The logical type of ``event_time`` is documentation only; the number itself is used.

Whatever can't be decoded by these rules is *invalid* (`DecodeError`), and its reason says why. That the
registry can't be asked is no property of the record: it raises `RegistryUnavailable`, to be tried again.
"""

from __future__ import annotations

import io
import itertools
import json
import struct
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import lru_cache
from importlib import resources
from typing import Any, NamedTuple

import fastavro

from pipeline.contract.avro_strict import MalformedAvro, Walk, read_branch, read_enum, read_int, read_long, read_string
from pipeline.contract.reasons import Reason
from pipeline.contract.writer_schema import SchemaError, Type, parse_schema, shown

SCHEMA_TEXT = resources.files("pipeline.contract").joinpath("ad_event.avsc").read_text(encoding="utf-8")
"""The Avro schema of an event, as JSON text: what is registered and what readers read with."""

EVENT_TYPES = ("IMPRESSION", "CLICK")
MAGIC_BYTE = 0
HEADER = struct.Struct(">bi")
"""Magic byte and schema id. The id is signed, as in Java: ids below 1 exist nowhere."""
_MAX_UNUSABLE_IDS = 10_000
QUESTIONS_AT_ONCE = 16
"""How many schemas the registry is asked for at the same time."""
MOST_SINGLE_QUESTIONS = 32
"""Of more new ids in a batch than that the registry is asked in one question."""


class DecodeError(ValueError):
    """A record's value can't be decoded; ``str()`` says why, ``reason`` is the code."""

    reason = Reason.NOT_AN_EVENT


class NotFramed(DecodeError):
    """The value does not begin with the header."""

    reason = Reason.NOT_FRAMED


class UnknownSchemaId(DecodeError):
    """The registry answered that it knows no such schema (its error code 40403)."""

    reason = Reason.SCHEMA_UNKNOWN


class UnusableSchema(DecodeError):
    """What the registry has under the id is no Avro schema, or none by which a value could be read."""

    reason = Reason.SCHEMA_UNUSABLE


class RegistryUnavailable(Exception):
    """The registry gave no answer that says anything about the record: try again later."""


class AdEvent(NamedTuple):
    """One impression or click; the fields stand in the schema's order. ``event_time`` is ms since the epoch."""

    event_id: str
    event_type: str
    event_time: int
    user_id: str
    ad_id: str
    campaign_id: str
    category: str
    placement: str = "unknown"
    device: str = "unknown"
    impression_id: str | None = None


_REQUIRED = tuple(name for name in AdEvent._fields if name not in AdEvent._field_defaults)
OUR_TYPE = parse_schema(SCHEMA_TEXT)
"""What ``ad_event.avsc`` describes."""

_PARSED_SCHEMA = fastavro.parse_schema(
    json.loads(SCHEMA_TEXT.replace('"logicalType": "timestamp-millis"', '"doc": ""'))
)
"""Without the logical type: fastavro would make a datetime of event_time."""


def encode(event: AdEvent, schema_id: int) -> bytes:
    """The record value of an event. Raises ValueError or TypeError where a field doesn't fit the schema."""
    out = io.BytesIO()
    out.write(HEADER.pack(MAGIC_BYTE, schema_id))
    fastavro.schemaless_writer(out, _PARSED_SCHEMA, event._asdict())
    return out.getvalue()


class Decoder:
    """Decodes record values; keeps every schema it has seen.

    ``fetch_schema`` maps a schema id to the schema's JSON text and raises UnknownSchemaId, UnusableSchema (one that can
    never be used; believed forever) or RegistryUnavailable (never kept). Several threads call it at once.
    ``list_ids`` returns every id that the registry has by now, or None where it can't say: one question for many ids.

    A producer registers a schema before it sends the first record with its id. So the answer that an id is unknown
    holds for records that had arrived before the question, and for no other: it is kept within a `batch` only.
    """

    def __init__(
        self, fetch_schema: Callable[[int], str], list_ids: Callable[[], set[int] | None] = lambda: None
    ) -> None:
        self._fetch_schema = fetch_schema
        self._list_ids = list_ids
        self._types: dict[int, Type] = {}
        self._plain: set[int] = set()
        self._unusable: dict[int, str] = {}
        self._unknown: set[int] | None = None

    @contextmanager
    def batch(self, values: Iterable[bytes | None] = ()) -> Iterator[None]:
        """Within the block, whose records have all arrived before it, each unknown id is asked for once.

        Those of ``values`` are asked for at the beginning, many at once. Raises RegistryUnavailable.
        """
        self._unknown = set()
        try:
            self._look_up({schema_id for value in values if (schema_id := schema_id_of(value)) is not None})
            yield
        finally:
            self._unknown = None

    def decode(self, value: bytes) -> AdEvent:
        """The event in a record value. Raises DecodeError and RegistryUnavailable, nothing else."""
        if len(value) < HEADER.size:
            raise NotFramed(f"too short: {len(value)} bytes, the header alone has {HEADER.size}")
        magic, schema_id = HEADER.unpack_from(value)
        if magic != MAGIC_BYTE:
            raise NotFramed(f"magic byte is {magic & 0xFF}, not {MAGIC_BYTE}")
        writer = self._types.get(schema_id) or self.writer(schema_id)
        if schema_id in self._plain:
            try:
                return _read_plain(value)
            except _MALFORMED as error:
                raise _undecodable(error) from None
        found: dict[str, Any] = {}
        read_fields(writer, Walk(value, HEADER.size), found)
        return AdEvent(**found)

    def plain_ids(self) -> list[int]:
        """The ids met so far whose schemas have the layout of ours."""
        return list(self._plain)

    def writer(self, schema_id: int) -> Type:
        """The writer's schema that an id stands for. Raises DecodeError (UnknownSchemaId) and RegistryUnavailable."""
        known = self._types.get(schema_id)
        if known is not None:
            return known
        if schema_id < 1 or (self._unknown is not None and schema_id in self._unknown):
            raise UnknownSchemaId(f"unknown schema id {schema_id}")
        if schema_id in self._unusable:
            raise UnusableSchema(self._unusable[schema_id])
        try:
            return self._keep(schema_id, self._fetch_schema(schema_id))
        except UnknownSchemaId:
            if self._unknown is not None:
                self._unknown.add(schema_id)
            raise
        except UnusableSchema as error:
            self._remember(schema_id, str(error))
            raise

    def _look_up(self, schema_ids: set[int]) -> None:
        new = [each for each in schema_ids if each > 0 and each not in self._types and each not in self._unusable]
        if len(new) > MOST_SINGLE_QUESTIONS and self._unknown is not None and (listed := self._list_ids()) is not None:
            self._unknown.update(each for each in new if each not in listed)
            new = [each for each in new if each in listed]
        if len(new) < 2:
            for schema_id in new:
                self._look_up_one(schema_id)
            return
        with ThreadPoolExecutor(QUESTIONS_AT_ONCE) as pool:
            for _ in pool.map(self._look_up_one, new):
                pass

    def _look_up_one(self, schema_id: int) -> None:
        with suppress(DecodeError):
            self.writer(schema_id)

    def _keep(self, schema_id: int, text: str) -> Type:
        try:
            writer = self._types[schema_id] = parse_schema(text)
        except SchemaError as error:
            raise UnusableSchema(f"schema {schema_id} is not usable: {error}") from None
        if same_layout(writer, OUR_TYPE):
            self._plain.add(schema_id)
        return writer

    def _remember(self, schema_id: int, reason: str) -> None:
        if len(self._unusable) >= _MAX_UNUSABLE_IDS:
            self._unusable.clear()
        self._unusable[schema_id] = reason


def schema_id_of(value: bytes | None) -> int | None:
    """The schema id in a value's header; None where there is no such header."""
    if value is None or len(value) < HEADER.size:
        return None
    magic, schema_id = HEADER.unpack_from(value)
    return int(schema_id) if magic == MAGIC_BYTE else None


def same_layout(one: Type, other: Type) -> bool:
    """Whether values of both types are the same bytes and mean the same. One of them must not contain itself."""
    return (
        one.kind == other.kind
        and one.names == other.names
        and one.size == other.size
        and len(one.parts) == len(other.parts)
        and all(itertools.starmap(same_layout, zip(one.parts, other.parts, strict=True)))
    )


_MALFORMED = (IndexError, UnicodeDecodeError, MalformedAvro)


def _undecodable(error: Exception) -> DecodeError:
    if isinstance(error, IndexError):
        return DecodeError("truncated")
    return DecodeError("a string is not valid UTF-8" if isinstance(error, UnicodeDecodeError) else str(error))


def _read_plain(value: bytes) -> AdEvent:
    """An event whose writer's schema has the layout of ours."""
    event_id, pos = read_string(value, HEADER.size)
    event_type, pos = read_enum(value, pos, len(EVENT_TYPES))
    event_time, pos = read_long(value, pos)
    user_id, pos = read_string(value, pos)
    ad_id, pos = read_string(value, pos)
    campaign_id, pos = read_string(value, pos)
    category, pos = read_string(value, pos)
    placement, pos = read_string(value, pos)
    device, pos = read_string(value, pos)
    has_impression, pos = read_branch(value, pos, 2)
    impression_id = None
    if has_impression:
        impression_id, pos = read_string(value, pos)
    _require_end(value, pos)
    return AdEvent(
        event_id,
        EVENT_TYPES[event_type],
        event_time,
        user_id,
        ad_id,
        campaign_id,
        category,
        placement,
        device,
        impression_id,
    )


def read_fields(writer: Type, walk: Walk, found: dict[str, Any]) -> None:
    """Puts the fields of an event into ``found`` as they are read; raises DecodeError at the first that can't be."""
    try:
        record = walk.enter(writer)
        for name, part in _columns(record):
            if name is None:
                walk.skip(part)
            else:
                found[name] = _READERS.get(name, _read_text)(name, walk, part)
        _require_end(walk.data, walk.pos)
    except _MALFORMED as error:
        raise _undecodable(error) from None


@lru_cache(maxsize=1024)
def _columns(record: Type) -> list[tuple[str | None, Type]]:
    """The record's fields in order, without the name where it is none of ours. Raises DecodeError."""
    if record.kind != "record":
        raise DecodeError(f"the value is of type {record.kind}, not a record")
    for name in AdEvent._fields:
        if record.names.count(name) > 1:
            raise DecodeError(f"the writer's schema has field {name} twice")
    missing = [name for name in _REQUIRED if name not in record.names]
    if missing:
        raise DecodeError(f"the writer's schema lacks {', '.join(missing)}")
    names = [name if name in AdEvent._fields else None for name in record.names]
    return list(zip(names, record.parts, strict=True))


def _read_text(name: str, walk: Walk, kind: Type) -> str:
    kind = walk.enter(kind)
    if kind.kind not in ("string", "bytes"):
        raise DecodeError(f"{name} is of type {kind.kind}, not string")
    text, walk.pos = read_string(walk.data, walk.pos)
    return text


def _read_nullable_text(name: str, walk: Walk, kind: Type) -> str | None:
    kind = walk.enter(kind)
    return None if kind.kind == "null" else _read_text(name, walk, kind)


def _read_event_type(name: str, walk: Walk, kind: Type) -> str:
    kind = walk.enter(kind)
    if kind.kind != "enum":
        raise DecodeError(f"{name} is of type {kind.kind}, not enum")
    index, walk.pos = read_enum(walk.data, walk.pos, len(kind.names))
    if kind.names[index] not in EVENT_TYPES:
        raise DecodeError(f"{name} is {shown(kind.names[index])}, not one of {', '.join(EVENT_TYPES)}")
    return kind.names[index]


def _read_time(name: str, walk: Walk, kind: Type) -> int:
    kind = walk.enter(kind)
    if kind.kind not in ("int", "long"):
        raise DecodeError(f"{name} is of type {kind.kind}, not long")
    time, walk.pos = (read_int if kind.kind == "int" else read_long)(walk.data, walk.pos)
    return time


_READERS: dict[str, Callable[[str, Walk, Type], Any]] = {
    "event_type": _read_event_type,
    "event_time": _read_time,
    "impression_id": _read_nullable_text,
}
"""Readers of the fields that aren't plain strings."""


def _require_end(value: bytes, end: int) -> None:
    if end != len(value):
        raise MalformedAvro(f"{len(value) - end} bytes behind the event")
