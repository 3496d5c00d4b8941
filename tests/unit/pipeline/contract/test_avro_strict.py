"""A walk over bytes by their type: it ends where the data end, refuses what fastavro forgives, counts steps."""

from __future__ import annotations

import io
import json
from typing import Any

import fastavro
import pytest

from pipeline.contract.avro_strict import STEPS_PER_BYTE, STEPS_PER_VALUE, MalformedAvro, Walk, read_int, read_long
from pipeline.contract.writer_schema import SchemaError, parse_schema

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


def skipped(schema: Any, data: bytes) -> Walk:
    """A walk that has passed over one value."""
    walk = Walk(data, 0)
    walk.skip(parse_schema(json.dumps(schema)))
    return walk


def test_a_value_of_all_types_ends_where_it_was_written_to() -> None:
    """A record of all types, holding another of itself."""
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(EVERYTHING), {**INNER, "next": INNER})
    assert skipped(EVERYTHING, out.getvalue()).pos == len(out.getvalue())
    with pytest.raises((MalformedAvro, IndexError)):
        skipped(EVERYTHING, out.getvalue()[:-1])


def test_a_block_with_its_size_is_read() -> None:
    """Avro may write a block as negative count, size in bytes, items."""
    assert skipped({"type": "array", "items": "int"}, b"\x03\x04\x02\x04\x00").pos == 5


def test_a_block_of_endless_items_is_refused() -> None:
    """2^60 nulls take no bytes, but would take forever."""
    with pytest.raises(MalformedAvro, match="items"):
        skipped({"type": "array", "items": "null"}, b"\x80\x80\x80\x80\x80\x80\x80\x80\x20\x00")


def test_many_blocks_of_nothing_are_refused_after_so_many_steps_per_byte() -> None:
    """19 kB of blocks, each of which declares 19,000 nulls, would be 120 million steps."""
    walk = Walk(b"\xf0\xa8\x02" * 6_300 + b"\x00", 0)
    with pytest.raises(MalformedAvro, match="items in 18901 bytes"):
        walk.skip(parse_schema('{"type": "array", "items": "null"}'))
    assert walk.steps <= STEPS_PER_VALUE + STEPS_PER_BYTE * len(walk.data)


def test_records_that_hold_two_of_the_next_are_refused_after_so_many_steps() -> None:
    """A schema of 30 records would take 2^30 steps and no byte."""
    schema: Any = {"type": "record", "name": "R0", "fields": []}
    for level in range(1, 31):
        fields = [{"name": "a", "type": schema}, {"name": "b", "type": f"R{level - 1}"}]
        schema = {"type": "record", "name": f"R{level}", "fields": fields}
    walk = Walk(b"", 0)
    with pytest.raises(MalformedAvro, match="more than 1000 steps to read 0 bytes"):
        walk.skip(parse_schema(json.dumps(schema)))
    assert walk.steps == STEPS_PER_VALUE + 1


def test_a_record_may_contain_itself_as_often_as_there_are_bytes() -> None:
    """Deeper than any stack of calls."""
    schema = {"type": "record", "name": "R", "fields": [{"name": "r", "type": ["null", "R"]}]}
    assert skipped(schema, b"\x02" * 100_000 + b"\x00").pos == 100_001


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
    """The error comes when the schema is parsed, not with the first record."""
    with pytest.raises(SchemaError):
        parse_schema(json.dumps(schema))
