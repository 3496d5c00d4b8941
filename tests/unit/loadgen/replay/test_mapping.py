"""What a row means, and what is said of one that means nothing."""

from __future__ import annotations

from typing import Any

import pytest

from loadgen.errors import LoadRefused
from loadgen.replay.mapping import LogEvent, RowMapping, UnmappableError, parse_map
from loadgen.replay.times import time_reader
from pipeline.contract.codec import AdEvent

MAP = {"event_time": "ts", "campaign_id": "camp", "category": "cat", "event_type": "kind"}
MAPPING = RowMapping(MAP, "clicked", time_reader("iso"))
ROW = {"ts": "2026-01-31T12:00:00.250Z", "camp": "c1", "cat": "food", "kind": "View", "clicked": "yes"}


def test_a_row_that_was_clicked() -> None:
    """Is an impression, and says so. Fields that no column gives are unknown."""
    event = AdEvent("0", "IMPRESSION", 1_769_860_800_250, "unknown", "unknown", "c1", "food")
    assert MAPPING.event_of(ROW) == LogEvent(event, clicked=True)


def test_numbers_become_texts() -> None:
    """As JSON has them."""
    row = MAPPING.event_of({**ROW, "camp": 17, "clicked": False}).event
    assert row.campaign_id == "17"


@pytest.mark.parametrize("clicked", [1, True, "1", "TRUE", "t", " y "])
def test_what_is_true(clicked: Any) -> None:
    assert MAPPING.event_of({**ROW, "clicked": clicked}).clicked


@pytest.mark.parametrize("clicked", [0, False, None, "", "0", "False", "no"])
def test_what_is_not(clicked: Any) -> None:
    assert not MAPPING.event_of({**ROW, "clicked": clicked}).clicked


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"ts": ""}, "ts is empty"),
        ({"ts": "yesterday"}, "ts='yesterday' is not in the format ISO 8601"),
        ({"ts": "1999-12-31T23:59:59Z"}, "event_time is out of range"),
        ({"camp": ""}, "camp is empty"),
        ({"camp": None}, "camp is empty"),
        ({"camp": "x" * 257}, "campaign_id is longer than 256 bytes"),
        ({"camp": "a\x00b"}, "campaign_id contains NUL"),
        ({"camp": ["a"]}, "camp=['a'] is neither a text nor a number"),
        ({"clicked": "maybe"}, "clicked='maybe' is neither true (1, true, t, yes, y) nor false (0, false, …)"),
        ({"kind": "purchase"}, "kind='purchase' is none of impression, view, click"),
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


def test_unknown_columns_are_answered_with_those_there_are() -> None:
    """With the option, and with the nearest."""
    with pytest.raises(LoadRefused) as caught:
        MAPPING.refuse_unknown(("ts", "camp", "category", "kind", "clicked"))
    wanted = (
        "--map category=cat: no such column; did you mean camp? there are ts, camp, category, kind, clicked",
        "--map category=cat: no such column; did you mean category? there are ts, camp, category, kind, clicked",
        "--map category=cat: no such column; there are ts, camp, category, kind, clicked",
    )
    assert str(caught.value) in wanted
    with pytest.raises(LoadRefused, match="--clicked clicked: no such column"):
        MAPPING.refuse_unknown(("ts", "camp", "cat", "kind"))
    with pytest.raises(LoadRefused, match="2 columns of that name"):
        MAPPING.refuse_unknown(("ts", "camp", "cat", "kind", "clicked", "ts"))
