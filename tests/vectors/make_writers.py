"""Builds the test vectors of writers' schemas: what strangers' producers and registries send, and what each value is.

``python -m tests.vectors.make_writers`` rewrites ``writers.json``. The bytes are put together by hand.
"""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipeline.contract.codec import SCHEMA_TEXT, AdEvent
from tests.vectors.make_records import BASE_MS, text, varint

WRITERS_FILE = Path(__file__).with_name("writers.json")
HEADER = b"\x00\x00\x00\x00\x07"
EVENT = AdEvent("w-1", "CLICK", BASE_MS, "u", "a", "shoes", "sports", "feed", "mobile", "i-1")
PARTS = {
    "event_id": text("w-1"),
    "event_type": varint(1),
    "event_time": varint(BASE_MS),
    "user_id": text("u"),
    "ad_id": text("a"),
    "campaign_id": text("shoes"),
    "category": text("sports"),
    "placement": text("feed"),
    "device": text("mobile"),
    "impression_id": varint(1) + text("i-1"),
}
Json = dict[str, Any]


@dataclass(frozen=True)
class Writer:
    """A schema's text, a value in hex, and the event that it is, or None for a dead letter."""

    name: str
    schema: str
    value: str
    event: Json | None


class Builder:
    """Collects vectors; each begins as our own schema and a good click."""

    def __init__(self) -> None:
        self.vectors: list[Writer] = []

    def add(self, name: str, schema: Any, value: bytes | None = None, *, good: bool = True, **meant: Any) -> None:
        """One more: ``schema`` as JSON or as text, ``meant`` are the fields that differ from those of `EVENT`."""
        raw = HEADER + (b"".join(PARTS.values()) if value is None else value)
        event = EVENT._asdict() | meant if good else None
        self.vectors.append(Writer(name, schema if isinstance(schema, str) else json.dumps(schema), raw.hex(), event))

    def skipped(self, name: str, kind: Any, encoded: bytes, *, good: bool = True, **attributes: Any) -> None:
        """A field that only the writer has, in front of all others."""
        schema = ours()
        schema["fields"].insert(0, {"name": "extra", "type": kind, **attributes})
        self.add(name, schema, encoded + b"".join(PARTS.values()), good=good)

    def field(self, name: str, of: str, kind: Any, encoded: bytes, *, good: bool = True, **meant: Any) -> None:
        """One of our fields with another type."""
        schema = ours()
        next(each for each in schema["fields"] if each["name"] == of)["type"] = kind
        self.add(name, schema, b"".join({**PARTS, of: encoded}.values()), good=good, **meant)


def ours(**attributes: Any) -> Json:
    """Our schema, with other attributes."""
    schema: Json = deepcopy(json.loads(SCHEMA_TEXT))
    return schema | attributes


def build() -> list[Writer]:
    """All vectors."""
    builder = Builder()
    _names(builder)
    _ignored(builder)
    _tops(builder)
    _types(builder)
    _refused(builder)
    _expensive(builder)
    _texts(builder)
    _strangers(builder)
    return builder.vectors


def _names(builder: Builder) -> None:
    builder.add("Flink's record", ours(name="record", namespace="org.apache.flink.avro.generated"))
    builder.add("Spark's topLevelRecord", ours(name="topLevelRecord", namespace=""))
    builder.add("a name with a dash", ours(name="ad-event", namespace="my-company.ads"))
    builder.add("a full name beside a namespace", ours(name="com.example.AdEvent", namespace="ignored"))
    builder.add("no namespace", ours(namespace=None))
    builder.add("a namespace that is no text", ours(namespace=7))
    builder.add("an empty name", ours(name=""))
    enum = {"type": "enum", "name": "com.other.Kind", "symbols": ["CLICK", "IMPRESSION"]}
    builder.field("an enum of another name and order", "event_type", enum, varint(0))
    builder.field("an enum with more symbols", "event_type", {**enum, "symbols": ["VIEW", "CLICK"]}, varint(1))
    builder.field(
        "a symbol that we don't know", "event_type", {**enum, "symbols": ["VIEW", "CLICK"]}, varint(0), good=False
    )
    default = {**enum, "symbols": ["VIEW", "CLICK"], "default": "CLICK"}
    builder.field("an enum's default is not taken", "event_type", default, varint(0), good=False)
    schema = ours()
    event_type = schema["fields"][1]
    schema["fields"].insert(0, {"name": "kind", "type": event_type["type"]})
    schema["fields"][2] = {"name": "event_type", "type": "EventType"}
    builder.add("a type first defined in a skipped field", schema, varint(0) + b"".join(PARTS.values()))
    schema = deepcopy(schema)
    schema["fields"][2]["type"] = {"type": "adctr.v1.EventType"}
    builder.add("the same by its full name in an object", schema, varint(0) + b"".join(PARTS.values()))


def _ignored(builder: Builder) -> None:
    builder.skipped("a default that does not fit", ["null", "string"], varint(0), default="")
    builder.skipped("a string with default null", "string", text("q"), default=None)
    builder.skipped("an int with default text", "int", varint(3), default="0")
    builder.skipped("an odd order", "int", varint(3), order="sideways")
    builder.skipped("an order that is no text", "int", varint(3), order=7)
    builder.skipped("aliases that are no list", "int", varint(3), aliases="event_id")
    builder.skipped("the alias of one of ours", "string", text("not it"), aliases=["event_id"])
    builder.skipped("a decimal without a precision", {"type": "bytes", "logicalType": "decimal"}, text(b"\x01"))
    builder.skipped("a logical type that does not exist", {"type": "int", "logicalType": "no-such"}, varint(3))
    builder.add("comments and unknown attributes", {"//": "a comment", **ours(), "connect.version": 1, "x": {"y": []}})
    builder.add("aliases of the record", ours(aliases=[5]))
    dotted = ours()
    dotted["fields"][1]["type"] |= {"name": ".D"}
    dotted["fields"].insert(2, {"name": "extra", "type": "D"})
    parts = list(PARTS.values())
    builder.add("a dot in front of a name", dotted, b"".join([*parts[:2], varint(0), *parts[2:]]))


def _tops(builder: Builder) -> None:
    whole = b"".join(PARTS.values())
    builder.add("a union at the top", ["null", ours()], varint(1) + whole)
    builder.add("null in a union at the top", ["null", ours()], varint(0), good=False)
    builder.add("a union in a union", [["null", ours()]], varint(0) + varint(1) + whole)
    builder.add("a record in an object", {"type": ours()}, whole)
    builder.add("an error", ours(type="error"), whole)
    builder.add("a string", '"string"', text("x"), good=False)
    builder.add("an array of events", {"type": "array", "items": ours()}, varint(1) + whole + varint(0), good=False)
    other = {"type": "record", "name": "Other", "fields": [{"name": "id", "type": "string"}]}
    builder.add("another record in a union", [other, ours()], varint(0) + text("x"), good=False)


def _types(builder: Builder) -> None:
    for name in ("user_id", "campaign_id", "impression_id"):
        builder.field(f"{name} as bytes", name, "bytes", text("abc"), **{name: "abc"})
        union = ["null", "bytes", "string"]
        builder.field(f"{name} in a union", name, union, varint(2) + text("abc"), **{name: "abc"})
    builder.field("user_id null", "user_id", ["null", "string"], varint(0), good=False)
    builder.field("impression_id always null", "impression_id", "null", b"", impression_id=None)
    builder.field("event_time in a union", "event_time", ["string", "long"], varint(1) + varint(BASE_MS))
    builder.field("event_time as int", "event_time", "int", varint(1_700_000_000), good=False)
    builder.field("event_time as double", "event_time", "double", bytes(8), good=False)
    builder.field("event_type as text", "event_type", "string", text("CLICK"), good=False)
    builder.field("user_id as int", "user_id", "int", varint(5), good=False)
    builder.field("user_id as fixed", "user_id", {"type": "fixed", "name": "U", "size": 3}, b"abc", good=False)
    schema = ours()
    del schema["fields"][7:]
    value = b"".join(list(PARTS.values())[:7])
    missing = {"placement": "unknown", "device": "unknown", "impression_id": None}
    builder.add("fields with defaults left out", schema, value, **missing)
    schema = ours()
    schema["fields"].reverse()
    builder.add("fields in another order", schema, b"".join(reversed(list(PARTS.values()))))


def _refused(builder: Builder) -> None:
    whole = b"".join(PARTS.values())
    schema = ours()
    schema["fields"].append(schema["fields"][0])
    builder.add("one of our fields twice", schema, whole + text("w-2"), good=False)
    schema = ours()
    del schema["fields"][0]
    builder.add("without event_id", schema, b"".join(list(PARTS.values())[1:]), good=False)
    schema = ours()
    schema["fields"] += [{"name": "x", "type": "int"}, {"name": "x", "type": "int"}]
    builder.add("a field of the writer's twice", schema, whole + varint(1) + varint(2))
    builder.skipped("a nested union", ["null", ["int", "string"]], varint(1) + varint(1) + text("x"))
    builder.skipped("a branch twice", ["string", "string"], varint(1) + text("x"))
    builder.skipped("a type that is not defined", "com.example.Nowhere", varint(0), good=False)
    builder.skipped("a negative size", {"type": "fixed", "name": "F", "size": -1}, b"", good=False)
    builder.skipped("a size that is no number", {"type": "fixed", "name": "F", "size": "4"}, b"abcd", good=False)
    enum = {"type": "enum", "name": "EventType", "symbols": ["A"]}
    builder.skipped("a type defined twice", enum, varint(0), good=False)
    for name, text_ in {
        "no JSON": "no JSON",
        "nothing": "",
        "a number": "7",
        "protobuf": 'syntax = "proto3"; message AdEvent { string event_id = 1; }',
        "a record without fields": '{"type": "record", "name": "AdEvent"}',
        "a record without a name": '{"type": "record", "fields": []}',
        "JSON Schema": '{"$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "properties": {}}',
    }.items():
        builder.add(name, text_, good=False)


def _expensive(builder: Builder) -> None:
    nulls = {"type": "array", "items": "null"}
    builder.skipped("blocks of nothing", nulls, b"\xf0\xa8\x02" * 6_300 + b"\x00", good=False)
    builder.skipped("a thousand nothings", nulls, varint(900) + varint(0))
    doubled: Any = {"type": "record", "name": "R0", "fields": []}
    for level in range(1, 23):
        fields = [{"name": "a", "type": doubled}, {"name": "b", "type": f"R{level - 1}"}]
        doubled = {"type": "record", "name": f"R{level}", "fields": fields}
    builder.skipped("twenty-two records, each twice in the next", doubled, b"", good=False)
    itself = {"type": "record", "name": "R", "fields": [{"name": "r", "type": ["null", "R"]}]}
    builder.skipped("a record that contains itself ten thousand times", itself, b"\x02" * 10_000 + b"\x00")
    deep: Any = "int"
    for _ in range(200):
        deep = {"type": "array", "items": deep}
    builder.skipped("two hundred arrays in each other", deep, varint(0))
    for _ in range(100):
        deep = {"type": "array", "items": deep}
    builder.skipped("three hundred arrays in each other", deep, varint(0), good=False)


def _texts(builder: Builder) -> None:
    plain = json.dumps(ours())
    builder.add("a key twice, the last counts", plain.replace('"type": "record"', '"type": "int", "type": "record"', 1))
    builder.add("a large number", plain[:-1] + ', "x": 1e999999, "y": ' + "9" * 5_000 + "}")
    builder.add("NaN", plain[:-1] + ', "x": NaN}', good=False)
    builder.add("something behind it", plain + " {}", good=False)
    builder.add("a byte order mark", "\ufeff" + plain, good=False)
    builder.add("a comment", "/* */" + plain, good=False)
    builder.add("a surrogate that stands alone", plain[:-1] + ', "x": "\\ud800"}')
    builder.add("a control character in a text", plain[:-1] + ', "x": "\t"}', good=False)


def _strangers(builder: Builder) -> None:
    source = {"type": "record", "name": "Source", "fields": [{"name": "ts_ms", "type": ["null", "long"], "default": 0}]}
    fields = [
        {"name": "before", "type": ["null", {**ours(), "name": "Value"}], "default": None},
        {"name": "after", "type": ["null", "Value"], "default": None},
        {"name": "source", "type": source},
        {"name": "op", "type": "string"},
    ]
    envelope = {"type": "record", "name": "Envelope", "namespace": "db.public.ads", "fields": fields}
    value = varint(0) + varint(1) + b"".join(PARTS.values()) + varint(0) + text("c")
    builder.add("Debezium's envelope", envelope, value, good=False)
    flat = ours(name="Value", namespace="db.public.ads")
    flat["fields"].append({"name": "__deleted", "type": ["null", "string"], "default": None})
    flat["connect.name"] = "db.public.ads.Value"
    builder.add("Debezium's flattened record", flat, b"".join(PARTS.values()) + varint(1) + text("false"))
    nullable = ours(name="record", namespace="org.apache.flink.avro.generated")
    parts = dict(PARTS)
    for each in nullable["fields"]:
        if each["name"] not in ("event_type", "impression_id"):
            each["type"], each["default"] = ["null", each["type"]], None
            parts[each["name"]] = varint(1) + PARTS[each["name"]]
    builder.add("everything nullable", nullable, b"".join(parts.values()))
    strings = {"type": "string", "avro.java.string": "String"}
    schema = ours()
    for each in schema["fields"]:
        each["type"] = strings if each["type"] == "string" else each["type"]
    builder.add("Java's strings", schema)


def main() -> None:
    """Rewrites ``writers.json``."""
    document = {
        "about": "made by tests/vectors/make_writers.py; value in hex, event null for a dead letter",
        "writers": [asdict(vector) for vector in build()],
    }
    WRITERS_FILE.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
