"""Effects of replays and recounts on the expected content of the stores; each rule fails once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pipeline.contract.cache_schema import Counts
from pipeline.contract.codec import AdEvent
from pipeline.topic_reader import OffsetRange
from slo.reconciliation.fold import Mark
from slo.reconciliation.mended import Mending, Replayed
from slo.reconciliation.row_hash import hash_events

NOON = 1_767_268_800
EVENT = AdEvent("mended", "CLICK", NOON * 1000 + 5, "u", "a", "shoes", "sports")
REPLAY = Replayed(0, 12, NOON * 1000, EVENT, late=False, revision=3)
RANGES = {0: OffsetRange(10, 14)}
MARKS = {0: np.array([Mark.COUNTED, Mark.LATE, Mark.INVALID, Mark.TOMBSTONE], dtype=np.uint8)}
HASHES = {0: np.array([1, 2, 3, 4], dtype=np.uint64)}
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
    other = replace(REPLAY, offset=11, event=EVENT._replace(event_id="other"))
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
    assert gone.row_hashes(HASHES, RANGES)[0].tolist() == [1, 2, 3, 4]


def test_the_replayed_row_must_hash_to_the_mended_event() -> None:
    (mended,) = hash_events([EVENT], [NOON * 1000]).tolist()
    assert Mending([REPLAY]).row_hashes(HASHES, RANGES)[0].tolist() == [1, 2, mended, 4]
    assert HASHES[0].tolist() == [1, 2, 3, 4], "the fold itself is left alone"


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
