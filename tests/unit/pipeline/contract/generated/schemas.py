"""Writers' schemas and values by Hypothesis, legal and nearly legal, with the expected outcome of each value.

A `Shape` is a type and knows how its values are encoded: from the shape come the schema's JSON and the bytes, so
neither judge's idea of Avro has a part in either.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from pipeline.contract.codec import EVENT_TYPES, AdEvent
from tests.vectors.make_records import BASE_MS, text, varint

Encode = Callable[[st.DrawFn], bytes]

KINDS = ("record", "error", "enum", "fixed", "array", "map")
"""Behind "type" in an object these begin a definition; elsewhere they may be names, as Flink's `record` is."""
OUR_ENUM = {"type": "enum", "name": "EventType", "symbols": ["IMPRESSION", "CLICK"]}
TIME = {"type": "long", "logicalType": "timestamp-millis"}
NAMES = [
    "AdEvent",
    "record",
    "topLevelRecord",
    "Envelope",
    "x-y",
    "R1",
    "a.b.C",
    ".D",
    "string",
    "ünï",
    "",
    "\ud800",
    "E",
]
NAMESPACES = ["adctr.v1", "", "org.apache.flink.avro.generated", "a-b", "a", None, 5, "a.b"]
FIELD_NAMES = ["extra", "x-y", "op", "event-id", "Event_id", "_", "ts_ms", "user_id2", "", "ü", "type", "before"]
ODD_DEFAULTS: list[Any] = [None, "", 0, -1, "0", 1.5, 10**30, [], {}, [1, "a"], {"a": None}, True, "\ud800", 10**1200]
ODD_ATTRIBUTES: dict[str, list[Any]] = {
    "doc": ["", 5, None, "x" * 300, ["a"]],
    "aliases": [["event_id"], ["a.b"], "no list", 3, [1], [], [""]],
    "order": ["ascending", "ignore", "sideways", 7, None],
    "default": ODD_DEFAULTS,
    "logicalType": ["uuid", "decimal", "timestamp-millis", "date", "duration", 5, "no-such"],
    "precision": [2, -1, "a"],
    "scale": [1, 99],
    "//": ["a comment"],
    "connect.name": ["io.debezium.data.Enum"],
    "avro.java.string": ["String"],
    "flink.maxLength": [3],
    "symbols": [["A"], 4],
    "items": ["int"],
}
STRINGS = ["", "a", "event", "é", "😀", "x" * 64, "c" * 256, "c" * 257, "with\x00nul", "\U0010ffff"]
BAD_BYTES = [b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\x80"]
INTS = [0, 1, -1, 63, 64, -65, (1 << 31) - 1, -(1 << 31), 1 << 31]
LONGS = [*INTS, (1 << 63) - 1, -(1 << 63), BASE_MS, 946_684_800_000, 946_684_799_999, 253_402_300_799_999]

HEADER = b"\x00\x00\x00\x00\x07"
ODD_BYTES = [
    *(varint(each) for each in LONGS),
    *(varint(each)[:-1] for each in (1 << 40, -(1 << 62))),
    b"\x80" * 5 + b"\x00",
    b"\x80" * 10 + b"\x01",
    b"\xff" * 9 + b"\x7f",
    b"\x80\x00",
    b"\xed\xa0\x80",
]
ODD_TEXTS = [
    " ",
    "\ufeff",
    "\x00",
    "\x0b",
    "\xa0",
    "\u2028",
    "1",
    "-",
    "-0",
    "01",
    "1.",
    ".5",
    "1e5",
    "1E400",
    "-1e-999",
    "NaN",
    "Infinity",
    "true",
    "nul",
    "'",
    '"',
    "\\",
    "\\u00",
    "\\ud800",
    "\ud800",
    "\udc00",
    "/*x*/",
    "//x\n",
    "#",
    "[",
    "{",
    "[" * 300,
    "]",
    "}",
    ",",
    ":",
    '{"a":1}',
    '"a":1,',
    "null",
    "2147483648",
    "9" * 5000,
    "[" * 250 + "]" * 250,
    "😀",
    "\\ud83d\\ude00",
    "\\x41",
    "\t",
]


@dataclass
class Shape:
    """A type: its JSON, and how one of its values is encoded."""

    json: Any
    encode: Encode


@dataclass
class Named:
    """The named types that a schema has defined so far, and how many there are to come."""

    shapes: dict[str, Shape] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    """Of those, and of the records that are being defined."""
    budget: int = 12


def pick(draw: st.DrawFn, values: list[Any]) -> Any:
    """One of some values, the first of which is the simplest."""
    return values[draw(st.integers(0, len(values) - 1))]


def chance(draw: st.DrawFn, one_in: int) -> bool:
    """True once in so many times; False is the simpler."""
    return draw(st.integers(0, one_in - 1)) == one_in - 1


def _attributes(draw: st.DrawFn) -> dict[str, Any]:
    """Attributes that must not matter."""
    found = {}
    while chance(draw, 4):
        name = pick(draw, list(ODD_ATTRIBUTES))
        found[name] = pick(draw, ODD_ATTRIBUTES[name])
    return found


def _random_text(draw: st.DrawFn) -> bytes:
    return text(pick(draw, [*STRINGS, *BAD_BYTES]))


_PRIMITIVES: dict[str, Encode] = {
    "null": lambda _: b"",
    "boolean": lambda draw: bytes([pick(draw, [0, 1, 7])]),
    "int": lambda draw: varint(pick(draw, INTS[:-1])),
    "long": lambda draw: varint(pick(draw, LONGS)),
    "float": lambda draw: struct.pack("<f", pick(draw, [0.0, -1.5])),
    "double": lambda draw: struct.pack("<d", pick(draw, [0.0, 1e300])),
    "bytes": _random_text,
    "string": _random_text,
}


def shape(draw: st.DrawFn, named: Named, namespace: str, depth: int = 0) -> Shape:
    """Any type."""
    named.budget -= 1
    simple = depth > 4 or named.budget < 0
    kind = pick(
        draw, [*_PRIMITIVES, *([] if simple else ["enum", "fixed", "array", "map", "union", "record", "known"])]
    )
    if kind in _PRIMITIVES:
        return primitive(draw, kind)
    if kind == "known":
        return _reference(draw, named, namespace)
    if kind in ("enum", "fixed"):
        return _leaf(draw, kind, named, namespace)
    if kind == "record":
        return _record(draw, named, namespace, depth)
    if kind == "union":
        return union(draw, [shape(draw, named, namespace, depth + 1) for _ in range(draw(st.integers(1, 3)))])
    item = shape(draw, named, namespace, depth + 1)
    of = "items" if kind == "array" else "values"
    return Shape({"type": kind, of: item.json, **_attributes_but(draw, of)}, lambda inner: _blocks(inner, kind, item))


def _attributes_but(draw: st.DrawFn, *names: str) -> dict[str, Any]:
    return {key: value for key, value in _attributes(draw).items() if key not in names}


def primitive(draw: st.DrawFn, kind: str) -> Shape:
    """A primitive type, bare or as an object or as an object in an object."""
    form = draw(st.integers(0, 7))
    schema: Any = kind
    if form >= 6:
        schema = {"type": schema, **_attributes(draw)}
    if form == 7:
        schema = {"type": schema, **_attributes(draw)}
    return Shape(schema, _PRIMITIVES[kind])


def union(draw: st.DrawFn, branches: list[Shape]) -> Shape:
    """A union of one branch or more."""

    def encode(inner: st.DrawFn) -> bytes:
        index = inner(st.integers(0, len(branches) - 1))
        return varint(index) + branches[index].encode(inner)

    return Shape([branch.json for branch in branches], encode)


def _blocks(draw: st.DrawFn, kind: str, item: Shape) -> bytes:
    out = b""
    for _ in range(draw(st.integers(0, 2))):
        count = draw(st.integers(1, 3))
        items = b"".join((_random_text(draw) if kind == "map" else b"") + item.encode(draw) for _ in range(count))
        sized = chance(draw, 3)
        out += (varint(-count) + varint(len(items)) if sized else varint(count)) + items
    return out + varint(0)


def full_name(name: str, namespace: str) -> str:
    """As Avro's specification has it."""
    if name.startswith(".") and name.count(".") == 1:
        return name[1:]
    return name if "." in name or not namespace else f"{namespace}.{name}"


def _define(draw: st.DrawFn, named: Named, namespace: str) -> tuple[dict[str, Any], str, str]:
    """The attributes by which a type is named, its full name, and the namespace inside it."""
    name, number = pick(draw, NAMES), len(named.names)
    attributes: dict[str, Any] = {"name": name}
    if chance(draw, 3):
        attributes["namespace"] = pick(draw, NAMESPACES)
    own = attributes.get("namespace")
    full = full_name(name, own if isinstance(own, str) else namespace)
    if full in named.names:
        attributes["name"] = f"{name}{number}"
        full += str(number)
    named.names.add(full)
    return attributes, full, full.rpartition(".")[0]


def _leaf(draw: st.DrawFn, kind: str, named: Named, namespace: str) -> Shape:
    attributes, full, _ = _define(draw, named, namespace)
    extra = _attributes_but(draw, "symbols")
    if kind == "fixed":
        size = pick(draw, [0, 1, 16])
        made = Shape({"type": kind, **attributes, **extra, "size": size}, lambda _: bytes(size))
    else:
        symbols = pick(draw, [["A"], ["A", "B"], ["CLICK", "IMPRESSION"], ["a-b", "A", "A"], []])
        encode: Encode = lambda inner: varint(inner(st.integers(-1, 2)))  # noqa: E731
        made = Shape({"type": kind, **attributes, **extra, "symbols": symbols}, encode)
    named.shapes[full] = made
    return made


def _record(draw: st.DrawFn, named: Named, namespace: str, depth: int) -> Shape:
    attributes, full, inner = _define(draw, named, namespace)
    parts: list[Shape] = []
    made = Shape(None, lambda each: b"".join(part.encode(each) for part in parts))
    fields = []
    for _ in range(draw(st.integers(0, 3))):
        part = shape(draw, named, inner, depth + 1)
        parts.append(part)
        fields.append({"name": pick(draw, FIELD_NAMES), **_attributes(draw), "type": part.json})
    if full not in _PRIMITIVES and chance(draw, 4):  # it contains itself
        parts.append(Shape(None, lambda each: _again(each, made)))
        fields.append({"name": "next", "type": ["null", full]})
    kind = pick(draw, ["record", "record", "error"])
    made.json = {"type": kind, **attributes, **_attributes(draw), "fields": fields}
    named.shapes[full] = made
    return made


def _again(draw: st.DrawFn, made: Shape) -> bytes:
    return varint(1) + made.encode(draw) if chance(draw, 3) else varint(0)


def _reference(draw: st.DrawFn, named: Named, namespace: str) -> Shape:
    known = [
        full
        for full in named.shapes
        if full not in _PRIMITIVES and full_name(full, namespace) in {full, *_unknown(full, namespace, named)}
    ]
    if not known:
        return primitive(draw, "int")
    full = pick(draw, known)
    return Shape(reference(draw, full, namespace), named.shapes[full].encode)


def _unknown(full: str, namespace: str, named: Named) -> set[str]:
    """The name within the namespace, unless another type has it."""
    return {full_name(full, namespace)} - named.names


def reference(draw: st.DrawFn, full: str, namespace: str) -> Any:
    """A defined type by its full name, or by its own name where that is enough, bare or in an object."""
    outer, _, own = full.rpartition(".")
    name = own if outer == namespace and own not in _PRIMITIVES and chance(draw, 2) else full
    return {"type": name} if name not in KINDS and chance(draw, 4) else name


@dataclass(frozen=True)
class Example:
    """A schema's text, and values with the event that each must be; None where the judges need only agree."""

    schema: str
    values: list[bytes]
    expected: list[AdEvent | None]


@dataclass
class _Field:
    """One of our fields in a writer's schema: values are (bytes, what they mean)."""

    json: Any
    encode: Callable[[st.DrawFn], tuple[bytes, Any]]
    fits: bool = True


def _string_value(draw: st.DrawFn) -> tuple[bytes, Any]:
    value = pick(draw, ["a", "campaign-1", "é", "x" * 70, "c" * 256])
    return text(value), value


def _our_text(draw: st.DrawFn, nullable: bool) -> _Field:
    form = draw(st.integers(0, 9))
    if form <= 4 and not nullable:
        return _Field("string", _string_value)
    if form <= 5:
        return _wrapped(draw, primitive(draw, "bytes" if form == 5 else "string").json, _string_value)
    if form <= 7 or nullable:
        odd: Any = ["null", "string"] if chance(draw, 2) else ["int", {"type": "string"}, "bytes", "null"]
        index = [each if isinstance(each, str) else each["type"] for each in odd].index("string")
        if nullable and chance(draw, 2):
            return _Field(odd, lambda _: (varint(odd.index("null")), None))
        return _Field(odd, lambda inner: _branch(inner, index, _string_value))
    return _misfit(draw)


def _branch(draw: st.DrawFn, index: int, encode: Callable[[st.DrawFn], tuple[bytes, Any]]) -> tuple[bytes, Any]:
    raw, value = encode(draw)
    return varint(index) + raw, value


def _wrapped(draw: st.DrawFn, schema: Any, encode: Callable[[st.DrawFn], tuple[bytes, Any]]) -> _Field:
    """The same, or as the only branch of a union, of a union in a union."""
    depth = pick(draw, [0, 0, 0, 0, 1, 2])
    for _ in range(depth):
        schema = [schema]

    def wrapped(inner: st.DrawFn) -> tuple[bytes, Any]:
        raw, value = encode(inner)
        return b"\x00" * depth + raw, value

    return _Field(schema, wrapped)


def _misfit(draw: st.DrawFn) -> _Field:
    made = shape(draw, Named(), "")
    return _Field(made.json, lambda inner: (made.encode(inner), None), fits=False)


def _our_time(draw: st.DrawFn) -> _Field:
    form = draw(st.integers(0, 9))

    def encode(inner: st.DrawFn) -> tuple[bytes, Any]:
        time = pick(inner, [BASE_MS, BASE_MS - 600_000, BASE_MS - 600_001, BASE_MS + 60_000, BASE_MS + 60_001])
        return varint(time), time

    if form <= 6:
        return _wrapped(draw, TIME if form <= 4 else primitive(draw, "long").json, encode)
    if form == 7:
        return _Field(["null", TIME], lambda inner: _branch(inner, 1, encode))
    return _misfit(draw)


def _our_type(draw: st.DrawFn, named: Named, namespace: str) -> list[_Field]:
    """The event type; before it maybe a field that only the writer has and that defines its enum."""
    if chance(draw, 12):
        return [_misfit(draw)]
    symbols = pick(draw, [["IMPRESSION", "CLICK"], ["CLICK", "IMPRESSION"], ["VIEW", "CLICK", "x-y"], ["CLICK"] * 2])

    def encode(inner: st.DrawFn) -> tuple[bytes, Any]:
        index = inner(st.integers(0, len(symbols) - 1))
        return varint(index), symbols[index]

    attributes, full, _ = _define(draw, named, namespace)
    defined = {"type": "enum", **attributes, "symbols": symbols, **_attributes_but(draw, "symbols")}
    named.shapes[full] = Shape(None, lambda inner: encode(inner)[0])
    if chance(draw, 3) and full not in _PRIMITIVES and not ("." not in full and namespace):
        return [_Field(defined, encode), _Field(reference(draw, full, namespace), encode)]
    return [_wrapped(draw, defined, encode)]


REQUIRED = ("event_id", "event_type", "event_time", "user_id", "ad_id", "campaign_id", "category")
ALL = (*REQUIRED, "placement", "device", "impression_id")


def _our_field(draw: st.DrawFn, name: str, named: Named, namespace: str) -> list[_Field]:
    if name == "event_type":
        return _our_type(draw, named, namespace)
    if not chance(draw, 3):
        return [_plain_field(name)]
    return [_our_time(draw) if name == "event_time" else _our_text(draw, name == "impression_id")]


def _plain_field(name: str) -> _Field:
    if name == "event_time":
        return _Field(TIME, lambda _: (varint(BASE_MS), BASE_MS))
    if name == "impression_id":
        return _Field(["null", "string"], lambda _: (varint(0), None))
    return _Field("string", lambda _: (text("a"), "a"))


def _order(draw: st.DrawFn) -> list[str]:
    """Our fields that the writer has, in its order."""
    order = [name for name in ALL if name in REQUIRED or not chance(draw, 4)]
    if chance(draw, 12):
        order.remove(pick(draw, order))
    return draw(st.permutations(order)) if chance(draw, 6) else order


def _fields(draw: st.DrawFn, named: Named, namespace: str) -> list[tuple[str, _Field]]:
    parts: list[tuple[str, _Field]] = []
    for name in _order(draw):
        while chance(draw, 5):
            parts.append((pick(draw, FIELD_NAMES), _extra(shape(draw, named, namespace))))
        *before, ours = _our_field(draw, name, named, namespace)
        parts += [(pick(draw, FIELD_NAMES), each) for each in before]
        parts.append((name, ours))
    if chance(draw, 30):
        name, part = parts[draw(st.integers(0, len(parts) - 1))]
        parts.append(
            (name, _Field(part.json, part.encode, fits=False))
        )  # it may define a type, which now is there twice
    return parts


def _extra(made: Shape) -> _Field:
    return _Field(made.json, lambda draw: (made.encode(draw), None))


@st.composite
def examples(draw: st.DrawFn) -> Example:
    """A writer's schema and up to three values."""
    named = Named()
    attributes, full, namespace = _define(draw, named, "")
    parts = _fields(draw, named, namespace)
    if chance(draw, 8) and full not in _PRIMITIVES and not (namespace == "" and "." in full):
        parts.append(("next", _Field(["null", full], lambda _: (b"\x00", None))))
    names = [name for name, _ in parts]
    fits = all(names.count(name) == 1 for name in REQUIRED) and all(names.count(name) < 2 for name in ALL)
    fits &= all(part.fits for _, part in parts)
    fields = [{"name": name, **_attributes(draw), "type": part.json} for name, part in parts]
    prefix, schema = _top(draw, {"type": "record", **attributes, **_attributes(draw), "fields": fields})
    values: list[bytes] = []
    expected: list[AdEvent | None] = []
    for _ in range(draw(st.integers(1, 3))):
        encoded = [(name, *part.encode(draw)) for name, part in parts]
        values.append(HEADER + prefix + b"".join(raw for _, raw, _ in encoded))
        meant = {name: value for name, _, value in encoded if name in ALL}
        expected.append(AdEvent(**meant) if fits and meant["event_type"] in EVENT_TYPES else None)
    return Example(_text(draw, schema), values, expected)


def _top(draw: st.DrawFn, record: Any) -> tuple[bytes, Any]:
    """The bytes before the record, and the schema: the record alone, in a union, in an object."""
    form = draw(st.integers(0, 15))
    if form == 13:
        return b"\x02", ["null", record]
    if form == 14:
        return b"\x00\x00", [[record, "null"]]
    if form == 15:
        return b"", {"type": record, "doc": "in an object"}
    return b"", record


def _text(draw: st.DrawFn, schema: Any) -> str:
    form = draw(st.integers(0, 3))
    return json.dumps(schema, ensure_ascii=form != 1, indent=2 if form == 2 else None)


@st.composite
def damaged_bytes(draw: st.DrawFn, value: bytes) -> bytes:
    """A value with something replaced, put in, taken out, or cut off."""
    raw = bytearray(value)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(raw)))
        what = draw(st.integers(0, 5))
        if what == 0 and at < len(raw):
            raw[at] ^= 1 << draw(st.integers(0, 7))
        elif what == 1:
            raw[at:at] = pick(draw, ODD_BYTES)
        elif what == 2:
            del raw[at : at + draw(st.integers(1, 3))]
        elif what == 3:
            del raw[at:]
        elif what == 4:
            raw[at : at + 1] = pick(draw, ODD_BYTES)
        else:
            raw += pick(draw, ODD_BYTES)
    return bytes(raw)


@st.composite
def damaged_text(draw: st.DrawFn, schema: str) -> str:
    """A schema's text with something replaced, put in, taken out, or cut off: most are no JSON any more, some are."""
    what, at = draw(st.integers(0, 6)), draw(st.integers(0, len(schema)))
    piece = pick(draw, ODD_TEXTS)
    if what == 0:
        return schema[:at] + piece + schema[at:]
    if what == 1:
        return schema[:at] + schema[at + draw(st.integers(1, 4)) :]
    if what == 2:
        return schema[:at]
    if what == 3:
        return schema + piece
    if what == 4:
        return piece + schema
    old = pick(draw, ['"type"', '"string"', '"name"', '"fields"', '"record"', "}", "]", ":", ","])
    new = pick(draw, [*ODD_TEXTS, '"type": "int", "type"', '"a": 1, "name"', '"bytes"', '"long"', '"AdEvent"', "[]"])
    return schema.replace(old, new, 1 if what == 5 else -1)
