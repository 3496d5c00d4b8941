"""What the sink `adctr-copy` hands to PostgreSQL, read by PostgreSQL's own rules of the binary COPY format."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from tests.unit.pipeline.java_harness import run_harness

Row = tuple[str, str | None, int]


def copied(classes: Path, key_columns: int, *rows: str) -> list[Row]:
    """The rows of the one batch that ``rows`` become."""
    printed = run_harness(classes, "adctr.flink.CopyRows", [str(key_columns), *rows], ["CopyBatch", "CopyFormat"])
    encoded, empty_afterwards = printed.split()
    assert empty_afterwards == "true"
    return parse(bytes.fromhex(encoded))


def parse(encoded: bytes) -> list[Row]:
    """https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format"."""
    assert encoded.startswith(b"PGCOPY\n\xff\r\n\0" + bytes(8))
    at, rows = 19, []
    while (columns := struct.unpack_from(">h", encoded, at)[0]) != -1:
        at += 2
        fields: list[bytes | None] = []
        for _ in range(columns):
            (length,) = struct.unpack_from(">i", encoded, at)
            at += 4
            fields.append(None if length == -1 else encoded[at : at + length])
            at += max(length, 0)
        campaign, category, count = fields
        assert campaign is not None
        assert count is not None
        rows.append((campaign.decode(), None if category is None else category.decode(), struct.unpack(">q", count)[0]))
    assert at + 2 == len(encoded)
    return rows


@pytest.mark.parametrize(
    ("key_columns", "expected"),
    [
        (0, [("a", "x", 1), ("b", None, 2), ("a", "x", 3), ("ax", "", 4)]),
        (2, [("a", "x", 3), ("b", None, 2), ("ax", "", 4)]),
    ],
    ids=["appended", "upserted"],
)
def test_of_rows_with_one_key_the_newest_is_copied(tmp_path: Path, key_columns: int, expected: list[Row]) -> None:
    """One statement may not touch a row twice; without a key every row is one of its own."""
    rows = copied(tmp_path, key_columns, "a,x,1", "b,,2", "a,x,3", "ax,,4")
    assert [(campaign, category or None, count) for campaign, category, count in rows] == [
        (campaign, category or None, count) for campaign, category, count in expected
    ]
