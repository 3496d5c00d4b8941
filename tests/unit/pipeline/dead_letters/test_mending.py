"""From an exported file, or from flags, to events that may enter raw_events."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from pipeline.dead_letters.export_file import ExportedLine, read_lines, to_line
from pipeline.dead_letters.mending import Mended
from pipeline.dead_letters.plan import Changes, Rejection, plan_by_changes, plan_from_lines
from pipeline.dead_letters.view import LetterViewer
from tests.unit.pipeline.dead_letters.building import EVENT, NOON_MS, VALUE, fetch, letter

VIEW = LetterViewer(fetch).view


def line(**changes: Any) -> bytes:
    """An exported line with other values."""
    values = json.loads(to_line(letter(), VIEW(VALUE)))
    values["event"] = {**values["event"], **changes.pop("event", {})}
    return json.dumps(values | changes).encode()


def plan_of(*lines: bytes) -> tuple[list[Mended], list[Rejection]]:
    plan = plan_from_lines(read_lines(lines), {letter().origin: letter()}, 600)
    return plan.mended, plan.rejected


def test_an_exported_line_comes_back_as_the_event() -> None:
    assert plan_of(line()) == ([Mended(1, 5, NOON_MS, "Because", EVENT, late=False)], [])


def test_the_file_is_ascii_whatever_the_event_holds() -> None:
    """Neither an editor nor a terminal is told anything by a campaign's name."""
    text = to_line(letter(value=VALUE.replace(b"shoes", b"\x1b[2J\x07")), VIEW(VALUE.replace(b"shoes", b"\x1b[2J\x07")))
    assert text.isascii()
    assert text[:-1].isprintable()


def test_empty_lines_are_skipped_and_lines_are_counted() -> None:
    found = list(read_lines([b"\n", line(), b"  \n", b"{"]))
    assert isinstance(found[0], ExportedLine)
    assert (found[0].line, found[1][0]) == (2, 4)  # type: ignore[index]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"nonsense", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[]", "not a JSON object"),
        (b'{"partition": "1", "offset": 5, "event": {}}', "partition and offset must be whole numbers"),
        (b'{"partition": true, "offset": 5, "event": {}}', "partition and offset must be whole numbers"),
        (b'{"partition": 1, "offset": 5, "event": null}', "event must be an object"),
        (b'{"partition": 1, "offset": 5, "record_time_ms": "x", "event": {}}', "record_time_ms must be a whole number"),
        (line(record_time_ms=1), "record_time_ms was changed"),
        (line(offset=6), "no dead letter has this origin"),
        (line(event={"colour": "red"}), "unknown field 'colour'"),
        (line(event={"user_id": None}), "user_id is None"),
        (line(event={"event_time": 1.5}), "event_time is 1.5"),
        (line(event={"event_time": True}), "event_time is True"),
        (line(event={"event_type": "VIEW"}), "allowed are IMPRESSION, CLICK"),
        (line(event={"campaign_id": ""}), "campaign_id is empty"),
        (line(event={"campaign_id": "x" * 257}), "longer than 256 bytes"),
        (line(event={"user_id": "a\x00b"}), "user_id contains NUL"),
        (line(event={"user_id": "\ud800"}), "user_id is not valid Unicode"),
        (line(event={"event_time": NOON_MS + 60_001}), "more than 60 s ahead"),
        (line(event={"event_time": 0}), "event_time is out of range"),
    ],
)
def test_what_is_no_valid_event_is_rejected_with_the_reason(text: bytes, reason: str) -> None:
    mended, rejected = plan_of(text)
    assert mended == []
    assert reason in rejected[0].reason
    assert rejected[0].line == 1


def test_a_missing_field_is_named() -> None:
    values = json.loads(line())
    del values["event"]["ad_id"]
    assert plan_of(json.dumps(values).encode())[1][0].reason == "ad_id is missing"


def test_of_two_lines_of_one_origin_the_first_is_taken() -> None:
    mended, rejected = plan_of(line(), line(event={"user_id": "other"}))
    assert [one.event.user_id for one in mended] == ["u"]
    assert rejected == [Rejection("this origin is in the file twice", 1, 5, 2)]


def test_lateness_is_judged_beside_the_record_time() -> None:
    times = {NOON_MS - 600_000: False, NOON_MS - 600_001: True}
    for event_time, late in times.items():
        assert plan_of(line(event={"event_time": event_time}))[0][0].late is late


def test_flags_mend_an_event_time_and_set_fields() -> None:
    ahead = EVENT._replace(event_time=NOON_MS + 3_600_000)
    changes = Changes({"placement": "top"}, event_time_is_record_time=True)
    view = replace(VIEW(VALUE), fields=ahead._asdict())
    plan = plan_by_changes([(letter(), view)], changes, 600)
    assert [one.event for one in plan.mended] == [EVENT._replace(placement="top")]


def test_flags_repair_nothing_that_does_not_decode() -> None:
    cut = VALUE[:-1]
    plan = plan_by_changes([(letter(value=cut), VIEW(cut))], Changes({"impression_id": "i"}), 600)
    assert plan.mended == []
    assert plan.rejected[0].reason == "does not decode (Because): export it and repair it by hand"
