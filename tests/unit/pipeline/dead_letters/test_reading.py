"""From a record of the letter topic to what can be read of it."""

from __future__ import annotations

import pytest

from pipeline.dead_letters.letter import letter_of
from pipeline.dead_letters.selection import Selection
from pipeline.dead_letters.view import View, Viewer
from tests.unit.pipeline.dead_letters.building import EVENT, NOON_MS, VALUE, fetch, letter

HEADERS = [
    ("trace", b"t"),
    ("__connect.errors.topic", b"ad-events"),
    ("__connect.errors.partition", b"1"),
    ("__connect.errors.offset", b"5"),
    ("__connect.errors.timestamp", str(NOON_MS).encode()),
    ("__connect.errors.stage", b"VALUE_CONVERTER"),
    ("__connect.errors.exception.message", b"Because"),
    ("none", None),
]


def test_a_letter_has_its_origin_its_reason_and_the_records_own_headers() -> None:
    assert letter_of(b"k", VALUE, HEADERS, 0) == letter()


@pytest.mark.parametrize("name", ["topic", "partition", "offset", "timestamp"])
def test_without_an_origin_it_is_no_letter(name: str) -> None:
    some = [header for header in HEADERS if header[0] != f"__connect.errors.{name}"]
    assert letter_of(b"k", VALUE, some, 0) is None


def test_a_whole_event_is_seen_whole() -> None:
    view = Viewer(fetch).view(VALUE)
    assert view.complete
    assert view.fields["event_id"] == "e-1"
    assert view.fields["event_time"] == NOON_MS


def test_of_a_truncated_event_the_fields_before_the_cut_are_seen() -> None:
    """Cut within the campaign: what stands before it is there, nothing behind."""
    cut = VALUE[: VALUE.index(b"shoes") + 2]
    view = Viewer(fetch).view(cut)
    assert view == View(
        {"event_id": "e-1", "event_type": "CLICK", "event_time": NOON_MS, "user_id": "u", "ad_id": "a"}, False
    )


def test_bytes_behind_the_event_leave_it_readable_and_incomplete() -> None:
    view = Viewer(fetch).view(VALUE + b"!")
    assert not view.complete
    assert view.fields["impression_id"] == EVENT.impression_id


def test_an_unknown_schema_id_is_read_with_our_own() -> None:
    view = Viewer(fetch).view(b"\x00\x77\x77\x77\x77" + VALUE[5:])
    assert not view.complete
    assert view.fields["campaign_id"] == "shoes"


def test_the_registry_is_asked_once_about_each_schema() -> None:
    """Thousands of letters with ids that nobody knows, one question per id."""
    asked: list[int] = []

    def ask(schema_id: int) -> str:
        asked.append(schema_id)
        return fetch(schema_id)

    viewer = Viewer(ask)
    for _ in range(50):
        for header in (b"\x00\x00\x00\x00\x07", b"\x00\x00\x00\x00\x08", b"\x00\x77\x77\x77\x77"):
            viewer.view(header + VALUE[5:])
            viewer.view(header + VALUE[5:-1])
    assert sorted(asked) == [7, 8, 0x77777777]


def test_of_many_ids_that_nobody_knows_the_registry_is_asked_for_its_list() -> None:
    """Each with an id of its own: a few questions for ids, then one for all that there are."""
    asked: list[int] = []

    def ask(schema_id: int) -> str:
        asked.append(schema_id)
        return fetch(schema_id)

    viewer = Viewer(ask, lambda: {7})
    for schema_id in range(1_000, 2_000):
        assert not viewer.view(b"\x00" + schema_id.to_bytes(4, "big") + VALUE[5:]).complete
    assert viewer.view(VALUE).complete
    assert len(asked) < 50


@pytest.mark.parametrize("value", [None, b"", b"\x00\x00", b"{json}", b"\x01" + VALUE[1:], b"\x00\x00\x00\x00\x00"])
def test_nothing_is_seen_of_what_is_no_event(value: bytes | None) -> None:
    assert Viewer(fetch).view(value) == View({}, False)


def test_a_string_of_two_gigabytes_is_no_reason_to_allocate_them() -> None:
    """The length is declared, the bytes are not there."""
    declared = b"\x00\x00\x00\x00\x07" + bytes([0xFE, 0xFF, 0xFF, 0xFF, 0x0F]) + b"x"
    assert Viewer(fetch).view(declared) == View({}, False)


@pytest.mark.parametrize(
    ("selection", "taken"),
    [
        (Selection(), True),
        (Selection(reason="BECAUSE"), True),
        (Selection(reason="else"), False),
        (Selection(partition=1), True),
        (Selection(partition=0), False),
        (Selection(from_ms=NOON_MS), True),
        (Selection(from_ms=NOON_MS + 1), False),
        (Selection(to_ms=NOON_MS), False),
        (Selection(to_ms=NOON_MS + 1), True),
        (Selection(campaign_id="shoes"), True),
        (Selection(campaign_id="boots"), False),
        (Selection(reason="because", campaign_id="boots"), False),
    ],
)
def test_all_conditions_must_hold(selection: Selection, taken: bool) -> None:
    assert selection.takes(letter(), lambda: Viewer(fetch).view(VALUE)) is taken


def test_nothing_is_decoded_for_conditions_that_need_no_event() -> None:
    def view() -> View:
        raise AssertionError

    assert Selection(reason="because", partition=1).takes(letter(), view)


def test_a_shortened_letter_says_how_large_its_record_was() -> None:
    some = [*HEADERS, ("__connect.errors.shortened", b"40000000")]
    found = letter_of(b"k", VALUE, some, 0)
    assert found is not None
    assert found.shortened == 40_000_000
