"""What was done to a stack, and when."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest

from slo.annotations import Activity, noted, read_activities


def test_an_activity_is_known_while_it_goes_on_and_afterwards(tmp_path: Path) -> None:
    path, clock = tmp_path / "a" / "activities.jsonl", count(100)
    with noted(path, "drill", "event_lost", lambda: float(next(clock))) as outcome:
        assert read_activities(path) == [Activity("drill", "event_lost", 100.0)]
        outcome("caught")
    assert read_activities(path) == [Activity("drill", "event_lost", 100.0, 101.0, "caught")]


def test_one_that_fails_is_noted_as_broken_off(tmp_path: Path) -> None:
    path = tmp_path / "activities.jsonl"
    with pytest.raises(RuntimeError), noted(path, "drill", "x"):
        raise RuntimeError("no stack")
    assert read_activities(path)[0].outcome == "broken off"


def test_half_a_line_and_no_file_are_no_activities(tmp_path: Path) -> None:
    path = tmp_path / "activities.jsonl"
    assert read_activities(path) == []
    path.write_text('{"kind": "drill", "name"')
    assert read_activities(path) == []
