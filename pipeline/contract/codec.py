"""The wire format of an ad event: Confluent's framing around Avro binary data.

===========  =======================================================================
bytes        meaning
===========  =======================================================================
0            magic byte, always 0
1 to 4       id of the writer's schema in the Schema Registry, big-endian, at least 1
5 and on     the event in Avro binary encoding, with nothing behind it
===========  =======================================================================

The schema is ``ad_event.avsc``, registered under the subject ``ad-events-value`` with BACKWARD compatibility: a
reader resolves the writer's schema (found by its id) against this one, so a field that a newer producer
adds is skipped (its lengths and union indexes must fit, what it says is nobody's business) and one that an older
producer lacks takes its default. The logical type of ``event_time``
is documentation only; the number itself is used.

Whatever can't be decoded by these rules is *invalid* (`DecodeError`), and its reason says why. That the
registry can't be asked is no property of the record: it raises `RegistryUnavailable`, to be tried again.
"""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import fastavro
from fastavro.schema import to_parsing_canonical_form

from pipeline.contract.avro_strict import MalformedAvro, Reader, compile_fields, compile_reader

SCHEMA_TEXT = files("pipeline.contract").joinpath("ad_event.avsc").read_text(encoding="utf-8")
"""The Avro schema of an event, as JSON text: what is registered and what readers read with."""

EVENT_TYPES = ("IMPRESSION", "CLICK")
MAGIC_BYTE = 0
HEADER = struct.Struct(">bi")
"""Magic byte and schema id. The id is signed, as in Java: ids below 1 exist nowhere."""
_MAX_UNUSABLE_IDS = 10_000


class DecodeError(ValueError):
    """A record's value can't be decoded; ``str()`` is the reason, fit for a dead letter's header."""


class UnknownSchemaId(DecodeError):
    """The registry answered that it knows no such schema (its error code 40403)."""


class RegistryUnavailable(Exception):
    """The registry gave no answer that says anything about the record: try again later."""


@dataclass(frozen=True, slots=True)
class AdEvent:
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


_FIELDS = tuple(AdEvent.__slots__)


def _without_logical_types(schema: Any) -> Any:
    # fastavro would turn event_time into a datetime, which can't hold what a bad producer may send.
    if isinstance(schema, list):
        return [_without_logical_types(branch) for branch in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {key: value for key, value in schema.items() if key != "logicalType"}
    for key in ("type", "items", "values"):
        if key in plain:
            plain[key] = _without_logical_types(plain[key])
    if "fields" in plain:
        plain["fields"] = [{**field, "type": _without_logical_types(field["type"])} for field in plain["fields"]]
    return plain


_PLAIN_SCHEMA = _without_logical_types(json.loads(SCHEMA_TEXT))
_PARSED_SCHEMA = fastavro.parse_schema(_PLAIN_SCHEMA)
_CANONICAL_SCHEMA = to_parsing_canonical_form(_PLAIN_SCHEMA)


def encode(event: AdEvent, schema_id: int) -> bytes:
    """The record value of an event. Raises ValueError or TypeError where a field doesn't fit the schema."""
    out = io.BytesIO()
    out.write(HEADER.pack(MAGIC_BYTE, schema_id))
    fastavro.schemaless_writer(out, _PARSED_SCHEMA, {name: getattr(event, name) for name in _FIELDS})
    return out.getvalue()


class Decoder:
    """Decodes record values; keeps every schema it has seen.

    ``fetch_schema`` maps a schema id to the schema's JSON text and raises UnknownSchemaId, DecodeError (a schema that
    can never be used; believed for ever) or RegistryUnavailable (never kept).

    A producer registers a schema before it sends the first record with its id. So the answer that an id is unknown
    holds for records that had arrived before the question, and for no other: it is kept within a `batch` only.
    """

    def __init__(self, fetch_schema: Callable[[int], str]) -> None:
        self._fetch_schema = fetch_schema
        self._read: dict[int, Callable[[bytes], AdEvent]] = {}
        self._unusable: dict[int, str] = {}
        self._unknown: dict[int, str] | None = None

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Within the block, whose records have all arrived before it, each unknown id is asked for once."""
        self._unknown = {}
        try:
            yield
        finally:
            self._unknown = None

    def decode(self, value: bytes) -> AdEvent:
        """The event in a record value. Raises DecodeError and RegistryUnavailable, nothing else."""
        if len(value) < HEADER.size:
            raise DecodeError(f"too short: {len(value)} bytes, the header alone has {HEADER.size}")
        magic, schema_id = HEADER.unpack_from(value)
        if magic != MAGIC_BYTE:
            raise DecodeError(f"magic byte is {magic & 0xFF}, not {MAGIC_BYTE}")
        read = self._read.get(schema_id) or self._reader(schema_id)
        try:
            return read(value)
        except IndexError:
            raise DecodeError("truncated") from None
        except UnicodeDecodeError:
            raise DecodeError("a string is not valid UTF-8") from None
        except MalformedAvro as error:
            raise DecodeError(str(error)) from None
        except Exception as error:  # whatever a library makes of hostile bytes is a property of the record
            raise DecodeError(f"cannot be decoded: {type(error).__name__}: {error}") from error

    def _reader(self, schema_id: int) -> Callable[[bytes], AdEvent]:
        if schema_id < 1:
            raise UnknownSchemaId(f"unknown schema id {schema_id}")
        reason = self._unusable.get(schema_id) or (self._unknown or {}).get(schema_id)
        if reason:
            raise DecodeError(reason)
        try:
            text = self._fetch_schema(schema_id)
            self._read[schema_id] = _reader_of(text)
        except UnknownSchemaId as error:
            if self._unknown is not None:
                self._unknown[schema_id] = str(error)
            raise
        except DecodeError as error:
            self._remember(schema_id, str(error))
            raise
        except RegistryUnavailable:
            raise
        except Exception as error:
            reason = f"schema {schema_id} is not usable: {type(error).__name__}: {error}"
            self._remember(schema_id, reason)
            raise DecodeError(reason) from error
        return self._read[schema_id]

    def _remember(self, schema_id: int, reason: str) -> None:
        if len(self._unusable) >= _MAX_UNUSABLE_IDS:
            del self._unusable[next(iter(self._unusable))]
        self._unusable[schema_id] = reason


def _reader_of(schema_text: str) -> Callable[[bytes], AdEvent]:
    writer = _without_logical_types(json.loads(schema_text))
    if to_parsing_canonical_form(writer) == _CANONICAL_SCHEMA:
        strict = compile_reader(writer)
        return lambda value: AdEvent(*_read_all(strict, value))
    readers = compile_fields(writer, _FIELDS)
    # fastavro would decode what it skips: it gets the fields that both know, and never sees the others.
    shared = {**writer, "fields": [field for field in writer["fields"] if field["name"] in _FIELDS]}
    parsed = fastavro.parse_schema(shared)

    def read(value: bytes) -> AdEvent:
        kept = io.BytesIO(_shared_fields(readers, value))
        fields: Any = fastavro.schemaless_reader(kept, parsed, _PARSED_SCHEMA)
        return AdEvent(**fields)

    return read


def _shared_fields(readers: list[tuple[str, Reader]], value: bytes) -> bytes:
    """The encoded fields that are ours as well, one behind the other."""
    kept, pos = [], HEADER.size
    for name, read in readers:
        start = pos
        _, pos = read(value, start)
        if name in _FIELDS:
            kept.append(value[start:pos])
    _require_end(value, pos)
    return b"".join(kept)


def _read_all(strict: Reader, value: bytes) -> Any:
    fields, end = strict(value, HEADER.size)
    _require_end(value, end)
    return fields


def _require_end(value: bytes, end: int) -> None:
    if end != len(value):
        raise MalformedAvro(f"{len(value) - end} bytes behind the event")
