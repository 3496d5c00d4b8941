"""What a letter keeps of its record."""

from __future__ import annotations

import pytest

from pipeline.contract.letter_size import (
    HEADER_BYTES,
    KEPT_BYTES,
    MOST_LETTER_BYTES,
    MOST_RECORD_BYTES,
    Headers,
    Kept,
    kept,
)
from pipeline.contract.rules import EARLIEST_RECORD_TIME_MS, LATEST_RECORD_TIME_MS, Fate, fate_of_valid


def test_an_ordinary_record_is_kept_as_it_is() -> None:
    """But for headers without a value, and those that another one of their name follows."""
    headers: Headers = [("a", b"1"), ("none", None), ("a", b"2"), ("gone", b"3"), ("gone", None)]
    assert kept(None, b"", headers) == Kept(None, b"", {"a": b"2"}, None)


@pytest.mark.parametrize("more", [0, 1])
def test_the_largest_record_fits_and_one_byte_more_does_not(more: int) -> None:
    """Key, value and headers count together, names in UTF-8."""
    headers: Headers = [("größe", b"xx"), ("none", None)]
    key = b"k" * 10
    value = b"v" * (MOST_RECORD_BYTES - len(key) - len("größe".encode()) - 2 - HEADER_BYTES + more)
    found = kept(key, value, headers)
    if more:
        assert found == Kept(key, value[:KEPT_BYTES], {}, MOST_RECORD_BYTES + 1)
    else:
        assert found == Kept(key, value, {"größe": b"xx"}, None)


def test_the_largest_letter_has_room_for_what_it_has_besides() -> None:
    """Origin and reason: a few kilobytes."""
    assert MOST_LETTER_BYTES - MOST_RECORD_BYTES > 1_000_000


@pytest.mark.parametrize(
    ("record_time_ms", "fate"),
    [
        (-1, Fate.INVALID),
        (-(1 << 63), Fate.INVALID),
        (EARLIEST_RECORD_TIME_MS, Fate.INVALID),
        (LATEST_RECORD_TIME_MS, Fate.LATE),
        (LATEST_RECORD_TIME_MS + 1, Fate.INVALID),
        ((1 << 63) - 1, Fate.INVALID),
    ],
)
def test_a_record_time_that_no_store_holds_makes_an_event_invalid(record_time_ms: int, fate: Fate) -> None:
    """Whatever its event time is."""
    assert fate_of_valid(1_767_268_800_000, record_time_ms, 600) is fate
