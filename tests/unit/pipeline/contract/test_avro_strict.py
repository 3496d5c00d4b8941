"""The strict reader agrees with fastavro on good data and refuses what fastavro forgives."""

from __future__ import annotations

import io

import fastavro
import pytest

from pipeline.contract.avro_strict import MalformedAvro, compile_reader, read_int, read_long

EVERYTHING = {
    "type": "record",
    "name": "Everything",
    "namespace": "n",
    "fields": [
        {"name": "flag", "type": "boolean"},
        {"name": "small", "type": "int"},
        {"name": "large", "type": "long"},
        {"name": "single", "type": "float"},
        {"name": "double", "type": "double"},
        {"name": "raw", "type": "bytes"},
        {"name": "hash", "type": {"type": "fixed", "name": "Hash", "size": 3}},
        {"name": "list", "type": {"type": "array", "items": "string"}},
        {"name": "map", "type": {"type": "map", "values": "int"}},
        {"name": "next", "type": ["null", "Everything"]},
    ],
}
INNER = {
    "flag": True,
    "small": -(1 << 31),
    "large": (1 << 63) - 1,
    "single": 0.5,
    "double": -2.25,
    "raw": b"\x00\xff",
    "hash": b"abc",
    "list": ["", "é", "x" * 100],
    "map": {"a": 1, "b": -1},
    "next": None,
}


def test_every_type_reads_as_written() -> None:
    """A record of all types, holding another of itself."""
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(EVERYTHING), {**INNER, "next": INNER})
    values, end = compile_reader(EVERYTHING)(out.getvalue(), 0)
    inner = [*list(INNER.values())[:8], [("a", 1), ("b", -1)], None]
    assert values == [*inner[:9], inner]
    assert end == len(out.getvalue())


def test_a_block_with_its_size_is_read() -> None:
    """Avro may write a block as negative count, size in bytes, items."""
    assert compile_reader({"type": "array", "items": "int"})(b"\x03\x04\x02\x04\x00", 0) == ([1, 2], 5)


def test_a_block_of_endless_items_is_refused() -> None:
    """2^60 nulls take no bytes, but would take for ever."""
    with pytest.raises(MalformedAvro, match="items"):
        compile_reader({"type": "array", "items": "null"})(b"\x80\x80\x80\x80\x80\x80\x80\x80\x20\x00", 0)


@pytest.mark.parametrize(
    ("data", "number"),
    [(b"\x00", 0), (b"\x01", -1), (b"\x02", 1), (b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", (1 << 63) - 1)],
)
def test_numbers(data: bytes, number: int) -> None:
    """Zigzag: 0, -1, 1 and the largest long."""
    assert read_long(data, 0) == (number, len(data))


@pytest.mark.parametrize(("data", "number"), [(b"\xff\xff\xff\xff\x0f", -(1 << 31)), (b"\x82\x80\x80\x80\x10", 1)])
def test_ints(data: bytes, number: int) -> None:
    """The smallest int, and one with a 33rd bit, which Java's decoder drops."""
    assert read_int(data, 0) == (number, 5)


def test_an_int_of_six_bytes_is_refused() -> None:
    """Though its value would fit."""
    with pytest.raises(MalformedAvro, match="5 bytes"):
        read_int(b"\x80\x80\x80\x80\x80\x00", 0)


@pytest.mark.parametrize("schema", ["nonsense", {"type": "nonsense"}, {"type": "array"}])
def test_what_is_no_schema_is_refused(schema: object) -> None:
    """The error comes when the schema is compiled, not with the first record."""
    with pytest.raises((ValueError, KeyError)):
        compile_reader(schema)
