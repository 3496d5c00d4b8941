"""What replays and recounts change about what the stores must hold; each rule is seen to fail once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pipeline.contract.cache_schema import Counts
from pipeline.contract.codec import AdEvent
from pipeline.topic_reader import OffsetRange
from slo.reconciliation.fold import Mark
from slo.reconciliation.mended import Mending, Replayed

NOON = 1_767_268_800
EVENT = AdEvent("mended", "CLICK", NOON * 1000 + 5, "u", "a", "shoes", "sports")
REPLAY = Replayed(0, 12, NOON * 1000, EVENT, late=False, revision=3)
RANGES = {0: OffsetRange(10, 14)}
MARKS = {0: np.array([Mark.COUNTED, Mark.LATE, Mark.INVALID, Mark.TOMBSTONE], dtype=np.uint8)}
COUNTED = {("shoes", "sports"): Counts(4, 1)}


def whats(mending: Mending) -> list[tuple[str, int | None]]:
    return [(difference.what, difference.offset) for difference in mending.unexplained(MARKS, RANGES, 600)]


def test_a_replay_of_a_rejected_record_is_explained() -> None:
    assert whats(Mending([REPLAY])) == []


def test_a_replay_of_anything_else_is_a_difference() -> None:
    for offset in (10, 11, 13):
        assert whats(Mending([replace(REPLAY, offset=offset)])) == [("replayed, though not rejected", offset)]


def test_a_replay_with_a_wrong_flag_is_a_difference() -> None:
    assert whats(Mending([replace(REPLAY, late=True)])) == [("wrong flag", 12)]


def test_a_replay_of_an_event_that_is_counted_anyhow_is_a_difference() -> None:
    """By a record of the topic, or by an earlier replay."""
    again = replace(REPLAY, offset=13, revision=4)
    other = replace(REPLAY, offset=11, event=replace(EVENT, event_id="other"))
    assert list(Mending([REPLAY, other]).repeated([])) == []
    assert [(each.what, each.offset) for each in Mending([again, REPLAY]).repeated([])] == [("repeated event id", 13)]
    assert [(each.what, each.got) for each in Mending([REPLAY]).repeated(["mended"])] == [
        ("repeated event id", "mended")
    ]


def test_raw_events_must_hold_the_replayed_row() -> None:
    assert Mending([REPLAY]).marks(MARKS, RANGES)[0].tolist() == [Mark.COUNTED, Mark.LATE, Mark.COUNTED, Mark.TOMBSTONE]
    assert MARKS[0][2] == Mark.INVALID, "the fold itself is left alone"


def test_a_replay_that_the_topic_no_longer_has_is_not_asked_for() -> None:
    gone = Mending([replace(REPLAY, offset=3)])
    assert gone.within(RANGES) == []
    assert gone.minutes(RANGES) == set()
    assert gone.contents(NOON, late=False, contents={}, ranges=RANGES) == {}


def test_the_minute_of_a_replay_that_retention_dropped_can_not_be_compared() -> None:
    dropped = {0: np.array([False, False, True, False])}
    assert Mending([REPLAY]).dropped_minutes(dropped, RANGES) == {NOON}
    assert Mending([replace(REPLAY, offset=11)]).dropped_minutes(dropped, RANGES) == set()


def test_the_replayed_event_adds_to_the_contents_of_its_minute_alone() -> None:
    mending = Mending([REPLAY])
    size = len("mendeduaunknownunknown")
    click = (("shoes", "sports"), True)
    assert mending.contents(NOON, late=False, contents={click: (1, 10)}, ranges=RANGES) == {click: (2, 10 + size)}
    assert mending.contents(NOON + 60, late=False, contents={}, ranges=RANGES) == {}
    assert mending.contents(NOON, late=True, contents={}, ranges=RANGES) == {}


def test_a_window_shows_a_replay_only_after_its_recount() -> None:
    """Without a recount, and after one that came before the replay, the jobs' own counts hold."""
    for recounted in ({}, {(60, NOON): 2}):
        assert Mending([REPLAY], recounted).window(60, NOON, COUNTED) == COUNTED
    seen = Mending([REPLAY], {(60, NOON): 4})
    assert seen.window(60, NOON, COUNTED) == {("shoes", "sports"): Counts(4, 2)}
    assert seen.window(300, NOON, COUNTED) == COUNTED
    assert seen.window(60, NOON, {}) == {("shoes", "sports"): Counts(0, 1)}


def test_a_late_replay_is_in_no_window_and_awaits_none() -> None:
    late = Mending([replace(REPLAY, late=True)], {(60, NOON): 4})
    assert late.window(60, NOON, COUNTED) == COUNTED
    assert late.awaiting_recount((60, 300)) == 0


def test_a_replay_awaits_the_recount_of_both_sizes() -> None:
    start = NOON // 300 * 300
    assert Mending([REPLAY]).awaiting_recount((60, 300)) == 1
    assert Mending([REPLAY], {(60, NOON): 4}).awaiting_recount((60, 300)) == 1
    assert Mending([REPLAY], {(60, NOON): 4, (300, start): 5}).awaiting_recount((60, 300)) == 0
