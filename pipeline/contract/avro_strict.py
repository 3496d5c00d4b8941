"""Reads Avro binary data strictly: every length, index and number is checked before it is believed.

The usual libraries forgive what the two sides of this system must agree to refuse: an enum or union index
of -1 picks the last entry in Python, a varint may go on forever, bytes after the last field are ignored.
A `Walk` raises `MalformedAvro` for all of these, for truncated data, for a declared length beyond the end of the
data (before allocating anything), and for data that take more steps than their size is worth. ``Walk`` in
``pipeline/flink_java`` does the same in Java.

Encoding: Avro 1.12 specification, "Binary Encoding". ``int`` and ``long`` are zigzag varints of at most 5 and
10 bytes; an enum is its index and a union its branch index, both as ``int``; a string is its length in
bytes as ``long`` followed by UTF-8.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.contract.writer_schema import Type

STEPS_PER_VALUE = 1_000
STEPS_PER_BYTE = 8
"""A step is one type entered. A value may take so many, plus so many per byte: types without bytes of their own (null,
records of nulls) would otherwise cost seconds in a few bytes."""

_LONG_MASK = (1 << 64) - 1
_INT_MASK = (1 << 32) - 1
_INT_BYTES = 5
_FIXED_SIZES = {"null": 0, "boolean": 1, "float": 4, "double": 8}


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
    if end - pos > _INT_BYTES:
        raise MalformedAvro("an int is longer than 5 bytes")
    number &= _INT_MASK
    return (number >> 1) ^ -(number & 1), end


def read_bytes(data: bytes, pos: int) -> tuple[bytes, int]:
    """A length in bytes and as many bytes."""
    size, start = read_long(data, pos)
    end = end_of(data, start, size)
    return data[start:end], end


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


def read_enum(data: bytes, pos: int, symbols: int) -> tuple[int, int]:
    """The index of one of ``symbols`` symbols."""
    index, pos = read_int(data, pos)
    if not 0 <= index < symbols:
        raise MalformedAvro(f"enum index {index} is not one of 0 to {symbols - 1}")
    return index, pos


def read_branch(data: bytes, pos: int, branches: int) -> tuple[int, int]:
    """The index of one of ``branches`` branches of a union."""
    index, pos = read_int(data, pos)
    if not 0 <= index < branches:
        raise MalformedAvro(f"union index {index} is not one of 0 to {branches - 1}")
    return index, pos


def end_of(data: bytes, start: int, size: int) -> int:
    """Where ``size`` bytes from ``start`` on end."""
    if size < 0:
        raise MalformedAvro(f"a length is negative ({size})")
    if size > len(data) - start:
        raise MalformedAvro(_beyond(size, len(data) - start))
    return start + size


def _beyond(declared: int, left: int) -> str:
    return f"a length of {declared} bytes is declared where {left} are left"


@dataclass(slots=True)
class _Open:
    """A record, array or map that has been entered and not left."""

    type: Type
    left: int
    """Fields, or items of the block, that are still to come."""
    block_start: int = 0
    block_size: int = -1
    """The size in bytes that the block declares, or -1."""


class Walk:
    """A position in a value that moves forward by its writer's types, and counts its steps.

    Its methods raise MalformedAvro, and IndexError where the data end inside a number.
    """

    def __init__(self, data: bytes, pos: int) -> None:
        self.data = data
        self.pos = pos
        self.steps = 0
        self.most_steps = STEPS_PER_VALUE + STEPS_PER_BYTE * len(data)

    def enter(self, kind: Type) -> Type:
        """The type itself, or the branch that stands at the position of a union."""
        while True:
            self.steps += 1
            if self.steps > self.most_steps:
                raise MalformedAvro(f"it takes more than {self.most_steps} steps to read {len(self.data)} bytes")
            if kind.kind != "union":
                return kind
            index, self.pos = read_branch(self.data, self.pos, len(kind.parts))
            kind = kind.parts[index]

    def skip(self, kind: Type) -> None:
        """Passes over a value whose structure must fit; what its strings and enums say is not looked into.

        Without recursion, for a record may contain itself as often as there are bytes.
        """
        opened: list[_Open] = []
        self._begin(kind, opened)
        while opened:
            inner = opened[-1]
            if inner.type.kind == "record":
                if inner.left == 0:
                    opened.pop()
                else:
                    inner.left -= 1
                    self._begin(inner.type.parts[-1 - inner.left], opened)
            elif inner.left == 0 and not self._next_block(inner):
                opened.pop()
            else:
                inner.left -= 1
                if inner.type.kind == "map":
                    self._skip_sized()
                self._begin(inner.type.parts[0], opened)

    def _begin(self, kind: Type, opened: list[_Open]) -> None:
        kind = self.enter(kind)
        name = kind.kind
        if name == "record":
            opened.append(_Open(kind, len(kind.parts)))
        elif name in ("array", "map"):
            opened.append(_Open(kind, 0))
        elif name in ("string", "bytes"):
            self._skip_sized()
        elif name == "long":
            _, self.pos = read_long(self.data, self.pos)
        elif name in ("int", "enum"):
            _, self.pos = read_int(self.data, self.pos)
        else:
            self.pos = end_of(self.data, self.pos, kind.size if name == "fixed" else _FIXED_SIZES[name])

    def _skip_sized(self) -> None:
        size, start = read_long(self.data, self.pos)
        self.pos = end_of(self.data, start, size)

    def _next_block(self, inner: _Open) -> bool:
        """Reads the head of the next block of items; False if that is the end. Behind a negative count is a size."""
        if inner.block_size not in (-1, self.pos - inner.block_start):
            raise MalformedAvro(f"a block of {self.pos - inner.block_start} bytes declares {inner.block_size}")
        count, self.pos = read_long(self.data, self.pos)
        inner.block_size = -1
        if count < 0:
            size, self.pos = read_long(self.data, self.pos)
            inner.block_size = size if size >= 0 else len(self.data) + 1  # a size that no block can have
            inner.block_start = self.pos
        inner.left = abs(count)
        if inner.left > self.most_steps - self.steps:
            raise MalformedAvro(f"a block declares {inner.left} items in {len(self.data)} bytes")
        return count != 0
