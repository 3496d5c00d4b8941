"""Reads Avro binary data strictly: every length, index and number is checked before it is believed.

The usual libraries forgive what the two sides of this system must agree to refuse: an enum or union index
of -1 picks the last entry in Python, a varint may go on for ever, bytes after the last field are ignored.
`compile_reader` turns a schema into a function that raises `MalformedAvro` for all of these, for truncated
data, and for a declared length beyond the end of the data (before allocating anything).

Encoding: Avro 1.12 specification, "Binary Encoding". ``int`` and ``long`` are zigzag varints of at most 5 and
10 bytes; an enum is its index and a union its branch index, both as ``int``; a string is its length in
bytes as ``long`` followed by UTF-8.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

Reader = Callable[[bytes, int], tuple[Any, int]]
"""(data, position) → (value, position behind it); IndexError or MalformedAvro where it can't."""

_LONG_MASK = (1 << 64) - 1
_INT_MASK = (1 << 32) - 1


class MalformedAvro(ValueError):
    """The data can't have been written with the schema."""


def read_long(data: bytes, pos: int) -> tuple[int, int]:
    """A zigzag varint of at most 10 bytes; bits beyond the 64th are dropped, as in Java."""
    number, end = _read_varint(data, pos)
    number &= _LONG_MASK
    return (number >> 1) ^ -(number & 1), end


def _read_varint(data: bytes, pos: int) -> tuple[int, int]:
    byte = data[pos]
    number = byte & 0x7F
    shift = 7
    while byte & 0x80:
        if shift == 70:
            raise MalformedAvro("a number is longer than 10 bytes")
        pos += 1
        byte = data[pos]
        number |= (byte & 0x7F) << shift
        shift += 7
    return number, pos + 1


def read_int(data: bytes, pos: int) -> tuple[int, int]:
    """A zigzag varint of at most 5 bytes; bits beyond the 32nd are dropped, as in Java."""
    number, end = _read_varint(data, pos)
    if end - pos > 5:
        raise MalformedAvro("an int is longer than 5 bytes")
    number &= _INT_MASK
    return (number >> 1) ^ -(number & 1), end


def read_bytes(data: bytes, pos: int) -> tuple[bytes, int]:
    """A length in bytes and as many bytes."""
    size, start = read_long(data, pos)
    return _slice(data, start, size)


def read_string(data: bytes, pos: int) -> tuple[str, int]:
    """A length in bytes and as many bytes of valid UTF-8."""
    first = data[pos]
    if first & 0x81:  # long or negative
        raw, end = read_bytes(data, pos)
        return raw.decode(), end
    end = pos + 1 + (first >> 1)
    if end > len(data):
        raise MalformedAvro(_beyond(first >> 1, len(data) - pos - 1))
    return data[pos + 1 : end].decode(), end


def _slice(data: bytes, start: int, size: int) -> tuple[bytes, int]:
    if size < 0:
        raise MalformedAvro(f"a length is negative ({size})")
    if size > len(data) - start:
        raise MalformedAvro(_beyond(size, len(data) - start))
    return data[start : start + size], start + size


def _beyond(declared: int, left: int) -> str:
    return f"a length of {declared} bytes is declared where {left} are left"


def _read_null(_data: bytes, pos: int) -> tuple[None, int]:
    return None, pos


def _read_boolean(data: bytes, pos: int) -> tuple[bool, int]:
    return data[pos] == 1, pos + 1


def _read_float(data: bytes, pos: int) -> tuple[float, int]:
    raw, end = _slice(data, pos, 4)
    return struct.unpack("<f", raw)[0], end


def _read_double(data: bytes, pos: int) -> tuple[float, int]:
    raw, end = _slice(data, pos, 8)
    return struct.unpack("<d", raw)[0], end


_PRIMITIVES: dict[str, Reader] = {
    "null": _read_null,
    "boolean": _read_boolean,
    "int": read_int,
    "long": read_long,
    "float": _read_float,
    "double": _read_double,
    "bytes": read_bytes,
    "string": read_string,
}


@dataclass(frozen=True)
class _Named:
    """Readers of named types. With ``content`` False strings and enums are passed over, not looked into."""

    content: bool = True
    readers: dict[str, Reader] = field(default_factory=dict)


def compile_reader(schema: Any) -> Reader:
    """A strict reader for a schema as parsed JSON; a record becomes the list of its fields' values.

    Raises ValueError or KeyError for a schema that isn't one.
    """
    return _compile(schema, _Named(), "")


def compile_fields(schema: Any, judged: Collection[str]) -> list[tuple[str, Reader]]:
    """Readers of the fields of a record's schema, in order; those that aren't ``judged`` check structure only.

    Of them every length and union index must fit, and what strings and enums say is nobody's business.
    Raises ValueError, KeyError or TypeError for a schema that isn't a record's.
    """
    namespace = _full_name(schema["name"], schema.get("namespace", "")).rpartition(".")[0]
    whole, structure = _Named(), _Named(content=False)
    for named in (whole, structure):
        _compile(schema, named, "")
    readers = []
    for each in schema["fields"]:
        named = whole if each["name"] in judged else structure
        readers.append((each["name"], _compile(each["type"], named, namespace)))
    return readers


def _compile(schema: Any, types: _Named, namespace: str) -> Reader:
    named = types.readers
    if isinstance(schema, str):
        if schema == "string" and not types.content:
            return read_bytes
        if schema in _PRIMITIVES:
            return _PRIMITIVES[schema]
        name = _full_name(schema, namespace)
        if name not in named:
            raise ValueError(f"unknown type {schema!r}")
        return _late(named, name)
    if isinstance(schema, list):
        return _union([_compile(branch, types, namespace) for branch in schema])
    kind = schema["type"]
    if kind == "array":
        return _blocks(_compile(schema["items"], types, namespace))
    if kind == "map":
        return _blocks(_entry(_compile("string", types, ""), _compile(schema["values"], types, namespace)))
    if kind in ("record", "error", "enum", "fixed"):
        return _compile_named(schema, types, namespace)
    return _compile(kind, types, namespace)


def _compile_named(schema: Any, types: _Named, namespace: str) -> Reader:
    named = types.readers
    name = _full_name(schema["name"], schema.get("namespace", namespace))
    if schema["type"] == "enum":
        named[name] = _enum(tuple(schema["symbols"])) if types.content else read_int
    elif schema["type"] == "fixed":
        size = int(schema["size"])
        named[name] = lambda data, pos: _slice(data, pos, size)
    else:
        named[name] = _read_null  # known by name while its own fields are compiled
        inner = name.rpartition(".")[0]
        named[name] = _record([_compile(each["type"], types, inner) for each in schema["fields"]])
    return named[name]


def _late(named: dict[str, Reader], name: str) -> Reader:
    def read(data: bytes, pos: int) -> tuple[Any, int]:
        return named[name](data, pos)  # looked up only now: a record may contain itself

    return read


def _full_name(name: str, namespace: str) -> str:
    return name if "." in name or not namespace else f"{namespace}.{name}"


def _record(fields: list[Reader]) -> Reader:
    def read(data: bytes, pos: int) -> tuple[list[Any], int]:
        values = []
        for each in fields:
            value, pos = each(data, pos)
            values.append(value)
        return values, pos

    return read


def _enum(symbols: tuple[str, ...]) -> Reader:
    def read(data: bytes, pos: int) -> tuple[str, int]:
        index, pos = read_int(data, pos)
        if not 0 <= index < len(symbols):
            raise MalformedAvro(f"enum index {index} is not one of 0 to {len(symbols) - 1}")
        return symbols[index], pos

    return read


def _union(branches: list[Reader]) -> Reader:
    def read(data: bytes, pos: int) -> tuple[Any, int]:
        index, pos = read_int(data, pos)
        if not 0 <= index < len(branches):
            raise MalformedAvro(f"union index {index} is not one of 0 to {len(branches) - 1}")
        return branches[index](data, pos)

    return read


def _entry(key: Reader, value: Reader) -> Reader:
    def read(data: bytes, pos: int) -> tuple[tuple[Any, Any], int]:
        name, pos = key(data, pos)
        item, pos = value(data, pos)
        return (name, item), pos

    return read


def _blocks(item: Reader) -> Reader:
    def read(data: bytes, pos: int) -> tuple[list[Any], int]:
        values: list[Any] = []
        while True:
            count, pos = read_long(data, pos)
            if count == 0:
                return values, pos
            size: int | None = None
            if count < 0:  # a block that states its size in bytes as well, so that it can be skipped
                count = -count
                size, pos = read_long(data, pos)
            if count > len(data):
                raise MalformedAvro(f"a block declares {count} items in {len(data)} bytes")
            start = pos
            for _ in range(count):
                value, pos = item(data, pos)
                values.append(value)
            if size is not None and size != pos - start:
                raise MalformedAvro(f"a block of {pos - start} bytes declares {size}")

    return read
