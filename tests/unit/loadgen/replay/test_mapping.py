"""What a row means, and what is said of one that means nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from loadgen.errors import LoadRefused
from loadgen.replay.mapping import LogEvent, RowMapping, UnmappableError, parse_map
from loadgen.replay.times import time_reader
from loadgen.replay.words import parse_values
from pipeline.contract.codec import AdEvent
from pipeline.contract.rules import EARLIEST_EVENT_TIME_MS

MAP = {"event_time": "ts", "campaign_id": "camp", "category": "cat", "event_type": "kind"}
NO_CLICK_WORD = (
    "is neither true (1, true, yes, …) nor false (0, false, …); --value clicked:WORD=TRUE says what a word means"
)
NO_TYPE_WORD = (
    "is neither an impression (imp, view, …) nor a click (clk, …); --value event_type:WORD=CLICK says what a word means"
)
MAPPING = RowMapping(MAP, "clicked", time_reader("iso"))
ROW = {"ts": "2026-01-31T12:00:00.250Z", "camp": "c1", "cat": "food", "kind": "View", "clicked": "yes"}


def test_a_row_that_was_clicked() -> None:
    """Is an impression, and says so. Fields that no column gives are unknown."""
    event = AdEvent("0", "IMPRESSION", EARLIEST_EVENT_TIME_MS, "unknown", "unknown", "c1", "food")
    assert MAPPING.event_of(ROW) == LogEvent(event, 1_769_860_800_250, clicked=True)


def test_numbers_become_texts() -> None:
    """As JSON has them; a gap in a column makes 17.0 of 17, in JSON and in CSV."""
    for written in (17, 17.0, "17", "17.0"):
        assert MAPPING.event_of({**ROW, "camp": written, "clicked": False}).event.campaign_id == "17"
    for written, text in ((17.5, "17.5"), ("1.10", "1.10"), (10**30, "1" + "0" * 30), ("v2.0", "v2.0")):
        assert MAPPING.event_of({**ROW, "camp": written}).event.campaign_id == text


@pytest.mark.parametrize("clicked", [1, True, 1.0, "1", "1.0", " 1.0 ", "+1", "TRUE", "t", " y ", "clicked"])
def test_what_is_true(clicked: Any) -> None:
    assert MAPPING.event_of({**ROW, "clicked": clicked}).clicked


@pytest.mark.parametrize(
    "clicked", [0, False, None, 0.0, -1, "", "0", "0.0", "-1", "False", "no", "NaN", float("nan"), "\\N", "-", "null"]
)
def test_what_is_not(clicked: Any) -> None:
    assert not MAPPING.event_of({**ROW, "clicked": clicked}).clicked


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"ts": ""}, "ts is empty"),
        ({"ts": "yesterday"}, "ts='yesterday' is not in the format ISO 8601"),
        ({"ts": "1999-12-31T23:59:59Z"}, "ts='1999-12-31T23:59:59Z' is out of range: the years 2000 to 9999"),
        ({"camp": ""}, "camp is empty"),
        ({"camp": None}, "camp is empty"),
        ({"camp": "x" * 257}, "campaign_id is longer than 256 bytes"),
        ({"camp": "a\x00b"}, "campaign_id contains NUL"),
        ({"camp": ["a"]}, "camp=['a'] is neither a text nor a number"),
        ({"clicked": "maybe"}, f"clicked='maybe' {NO_CLICK_WORD}"),
        ({"clicked": 2}, f"clicked=2 {NO_CLICK_WORD}"),
        ({"clicked": [1]}, f"clicked=[1] {NO_CLICK_WORD}"),
        ({"kind": "purchase"}, f"kind='purchase' {NO_TYPE_WORD}"),
        ({"kind": "x" * 1_000_000}, f"kind='{'x' * 79}… {NO_TYPE_WORD}"),
        ({"camp": "a\udcff"}, "camp is not UTF-8"),
        ({"camp": float("nan")}, "camp is empty"),
        ({"camp": float("inf")}, "camp=inf is neither a text nor a number"),
        ({"cat": "\ud800"}, "cat is not UTF-8"),
        ({"kind": "click"}, "clicked is true in a row that is a click itself"),
    ],
)
def test_rows_that_mean_nothing(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(UnmappableError) as caught:
        MAPPING.event_of({**ROW, **change})
    assert str(caught.value) == reason


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (["campaign_id"], "--map campaign_id: must be FIELD=COLUMN, for example campaign_id=campaign"),
        (["campain_id=c"], "no field campain_id; did you mean campaign_id? there are event_time, event_type,"),
        (["event_time=a", "event_time=b"], "event_time is already mapped to a"),
        (["campaign_id=c"], "--map event_time=COLUMN is missing"),
        ([], "--map event_time=COLUMN is missing"),
    ],
)
def test_a_wrong_map_is_explained(entries: list[str], message: str) -> None:
    with pytest.raises(LoadRefused) as caught:
        parse_map(entries)
    assert message in str(caught.value)


def test_a_column_may_have_an_equals_sign() -> None:
    """Only the first one divides."""
    assert parse_map(["event_time=t", "campaign_id=a=b"]) == {"event_time": "t", "campaign_id": "a=b"}


@pytest.mark.parametrize("word", ["imp", "Impression", "VIEW", "view", " show "])
def test_words_for_impressions(word: str) -> None:
    event = MAPPING.event_of({**ROW, "kind": word}).event
    assert event.event_type == "IMPRESSION"


@pytest.mark.parametrize("word", ["clk", "Click", "CLICKED", "ad_click"])
def test_words_for_clicks(word: str) -> None:
    event = MAPPING.event_of({**ROW, "kind": word, "clicked": None}).event
    assert event.event_type == "CLICK"


def test_words_of_a_log() -> None:
    """``--value`` says what they mean; it goes before the common ones."""
    entries = ["event_type:2=CLICK", "event_type:a=b=impression", "clicked:N=TRUE", "category:7=shoes"]
    mapping = replace(MAPPING, words=parse_values(entries))
    click = mapping.event_of({**ROW, "kind": 2.0, "clicked": "", "cat": 7}).event
    assert (click.event_type, click.category) == ("CLICK", "shoes")
    assert mapping.event_of({**ROW, "kind": "A=B", "clicked": "n"}).clicked


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("event_type", "must be FIELD:WORD=VALUE, for example event_type:clk=CLICK"),
        ("event_type:clk", "must be FIELD:WORD=VALUE"),
        ("event_typ:clk=CLICK", "no field event_typ; did you mean event_type?"),
        ("event_time:0=1", "no field event_time;"),
        ("event_type:buy=PURCHASE", "PURCHASE must be CLICK or IMPRESSION"),
        ("clicked:buy=CLICK", "CLICK must be TRUE or FALSE"),
    ],
)
def test_a_wrong_value_is_explained(entry: str, message: str) -> None:
    with pytest.raises(LoadRefused) as caught:
        parse_values([entry])
    assert str(caught.value).startswith(f"--value {entry}: {message}")


def test_a_word_has_one_value() -> None:
    with pytest.raises(LoadRefused, match="event_type:2 has a value already"):
        parse_values(["event_type:2=CLICK", "event_type:2=IMPRESSION"])


def test_wanted_columns_come_with_their_options() -> None:
    assert MAPPING.wanted()["--map category=cat"] == "cat"
    assert MAPPING.wanted()["--clicked clicked"] == "clicked"
