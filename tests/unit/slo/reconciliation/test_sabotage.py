"""One event lost, one doubled, one misplaced: each is caught in every store that it touches."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from pipeline.contract.cache_schema import Counts
from pipeline.contract.reasons import Reason
from slo.reconciliation.compare import (
    StoredRows,
    by_category,
    compare_letters,
    compare_reasons,
    compare_rows,
    compare_tombstones,
    compare_watermarks,
    compare_window,
    deleted_letters,
)
from slo.reconciliation.fold import Fold, Mark, Origin
from slo.reconciliation.tally import CellCounts
from tests.unit.slo.reconciliation.memory_topic import NOON, Topic

SHOES, HATS = ("shoes", "sports"), ("hats", "fashion")


def a_window(topic: Topic) -> CellCounts:
    """What a metrics table or a cells hash must hold for noon: 2 impressions and 1 click of shoes, 1 of hats."""
    return topic.fold().counted.window(60, NOON)


SABOTAGED_WINDOWS: list[tuple[str, Callable[[CellCounts], CellCounts], list[tuple[str, str | None]]]] = [
    ("one impression lost", lambda w: w | {SHOES: Counts(1, 1)}, [("different", "shoes")]),
    ("one click lost", lambda w: w | {SHOES: Counts(2, 0)}, [("different", "shoes")]),
    ("one impression doubled", lambda w: w | {HATS: Counts(2, 0)}, [("different", "hats")]),
    ("a click taken for an impression", lambda w: w | {SHOES: Counts(3, 0)}, [("different", "shoes")]),
    (
        "one moved to another campaign",
        lambda w: w | {SHOES: Counts(1, 1), HATS: Counts(2, 0)},
        [("different", "hats"), ("different", "shoes")],
    ),
    ("a cell lost", lambda w: {SHOES: w[SHOES]}, [("missing", "hats")]),
    ("a cell too many", lambda w: w | {("caps", "fashion"): Counts(1, 0)}, [("unexpected", "caps")]),
    ("a cell of zeros too many", lambda w: w | {("caps", "fashion"): Counts(0, 0)}, [("unexpected", "caps")]),
    ("everything lost", lambda _: {}, [("window missing", None)]),
]


@pytest.mark.parametrize(("what", "sabotage", "found"), SABOTAGED_WINDOWS, ids=[row[0] for row in SABOTAGED_WINDOWS])
@pytest.mark.parametrize("store", ["postgres.metrics_1min", "redis.cells.60"])
def test_windows(
    topic: Topic,
    store: str,
    what: str,
    sabotage: Callable[[CellCounts], CellCounts],
    found: list[tuple[str, str | None]],
) -> None:
    expected = a_window(topic)
    differences = compare_window(store, 60, NOON, expected, sabotage(expected))
    assert [(one.what, one.campaign_id) for one in differences] == found
    assert {(one.store, one.window_start_seconds, one.window_seconds) for one in differences} == {(store, NOON, 60)}


def test_a_window_moved_in_time_is_missing_here_and_unexpected_there(topic: Topic) -> None:
    expected = a_window(topic)
    assert [one.what for one in compare_window("store", 60, NOON, expected, {})] == ["window missing"]
    assert [one.what for one in compare_window("store", 60, NOON - 60, {}, expected)] == ["unexpected"] * 2


def test_windows_that_agree_have_no_differences(topic: Topic) -> None:
    assert compare_window("store", 60, NOON, a_window(topic), a_window(topic)) == []


def test_category_sums_that_miss_one_event_name_the_category(topic: Topic) -> None:
    expected = by_category(a_window(topic))
    assert expected == {("", "sports"): Counts(2, 1), ("", "fashion"): Counts(1, 0)}
    got = expected | {("", "sports"): Counts(1, 1)}
    (difference,) = compare_window("redis.categories.60", 60, NOON, expected, got)
    assert (difference.campaign_id, difference.category) == (None, "sports")
    assert (difference.expected, difference.got) == (Counts(2, 1), Counts(1, 1))


def raw_rows(fold: Fold, partition: int) -> StoredRows:
    """What raw_events must hold for a partition."""
    marks, hashes = fold.marks[partition], fold.row_hashes[partition]
    stored = StoredRows.none_of(hashes)
    at = np.flatnonzero((marks == Mark.COUNTED) | (marks == Mark.LATE))
    stored.add(at, marks[at] == Mark.LATE, hashes[at])
    return stored


def raw_differences(fold: Fold, partition: int, stored: StoredRows) -> list[tuple[str, int | None]]:
    found = compare_rows("postgres.raw_events", partition, 0, fold.marks[partition], stored)
    assert found.total == len(found.listed)
    return [(one.what, one.offset) for one in found.listed]


def test_raw_events_that_agree_have_no_differences(topic: Topic) -> None:
    fold = topic.fold()
    assert [raw_differences(fold, partition, raw_rows(fold, partition)) for partition in (0, 1)] == [[], []]


def test_a_raw_event_lost(topic: Topic) -> None:
    fold = topic.fold()
    stored = raw_rows(fold, 0)
    stored.rows[1] = 0
    assert raw_differences(fold, 0, stored) == [("missing", 1)]


def test_a_raw_event_doubled(topic: Topic) -> None:
    fold = topic.fold()
    stored = raw_rows(fold, 0)
    stored.add(np.array([2]), np.array([False]), fold.row_hashes[0][[2]])
    assert raw_differences(fold, 0, stored) == [("doubled", 2)]


def test_a_raw_event_misplaced_onto_the_origin_of_a_tombstone(topic: Topic) -> None:
    fold = topic.fold()
    stored = raw_rows(fold, 0)
    stored.rows[[1, 5]] = [0, 1]
    assert raw_differences(fold, 0, stored) == [("missing", 1), ("unexpected", 5)]


def test_a_late_raw_event_flagged_as_counted(topic: Topic) -> None:
    fold = topic.fold()
    stored = raw_rows(fold, 1)
    stored.late[1] = False
    assert raw_differences(fold, 1, stored) == [("wrong flag", 1)]


def test_raw_events_that_retention_dropped_are_not_missed(topic: Topic) -> None:
    fold = topic.fold()
    nothing = StoredRows.none_of(fold.row_hashes[0])
    dropped = np.ones(6, dtype=np.bool_)
    assert compare_rows("postgres.raw_events", 0, 0, fold.marks[0], nothing, dropped).total == 0


def test_a_raw_event_with_another_hash(topic: Topic) -> None:
    fold = topic.fold()
    stored = StoredRows.none_of(fold.row_hashes[0])
    stored.add(np.arange(4), np.zeros(4, np.bool_), fold.row_hashes[0][:4] ^ np.array([0, 0, 1, 0], np.uint64))
    assert raw_differences(fold, 0, stored) == [("altered", 2)]


SABOTAGED_LETTERS: list[tuple[str, Callable[[dict[Origin, set[bytes]]], object], list[tuple[str, int, int]]]] = [
    ("lost", lambda letters: letters.pop((0, 4)), [("missing", 0, 4)]),
    ("other bytes", lambda letters: letters.update({(0, 4): {b"?"}}), [("altered", 0, 4)]),
    ("written twice, once with other bytes", lambda letters: letters[0, 4].add(b"?"), [("altered", 0, 4)]),
    ("a good record's", lambda letters: letters.update({(0, 1): {b"?"}}), [("unexpected", 0, 1)]),
    (
        "misplaced",
        lambda letters: letters.update({(1, 0): letters.pop((0, 4))}),
        [("missing", 0, 4), ("unexpected", 1, 0)],
    ),
    ("behind the fixed end", lambda letters: letters.update({(0, 6): {b"?"}}), []),
    ("nothing", lambda letters: None, []),
]


@pytest.mark.parametrize(("what", "sabotage", "found"), SABOTAGED_LETTERS, ids=[row[0] for row in SABOTAGED_LETTERS])
def test_dead_letters(
    topic: Topic,
    what: str,
    sabotage: Callable[[dict[Origin, set[bytes]]], object],
    found: list[tuple[str, int, int]],
) -> None:
    fold = topic.fold()
    expected = fold.digests[Mark.INVALID]
    letters = {origin: {content} for origin, content in expected.items()}
    sabotage(letters)
    differences = compare_letters("dead_letters", expected, letters, fold.ranges)
    assert [(one.what, one.partition, one.offset) for one in differences] == found


def test_letters_that_retention_has_deleted_are_not_missed(topic: Topic) -> None:
    """Only those older than what is kept: a younger one is lost."""
    fold = topic.fold()
    expected, when = fold.digests[Mark.INVALID], fold.letter_times_ms[0, 4]
    kept = {origin: {content} for origin, content in expected.items() if origin != (0, 4)}
    assert deleted_letters(expected, kept, fold.letter_times_ms, when + 1) == {(0, 4)}
    assert deleted_letters(expected, kept, fold.letter_times_ms, when) == set()
    assert deleted_letters(expected, {**kept, (0, 4): {b""}}, fold.letter_times_ms, when + 1) == set()


@pytest.mark.parametrize(
    ("given", "found", "without_code"),
    [
        ({Reason.NOT_FRAMED}, [], 0),
        ({Reason.SCHEMA_UNKNOWN}, [("other reason", 4, "schema_unknown")], 0),
        ({Reason.NOT_FRAMED, Reason.LATE}, [("other reason", 4, "late")], 0),
        ({None}, [], 1),
        ({None, Reason.NOT_AN_EVENT}, [("other reason", 4, "not_an_event")], 1),
    ],
)
def test_reasons_of_dead_letters(
    topic: Topic, given: set[Reason | None], found: list[tuple[str, int, str]], without_code: int
) -> None:
    """Letters from before reasons had codes can't be told; other records don't matter."""
    expected = topic.fold().reason_codes
    assert expected == {(0, 4): Reason.NOT_FRAMED}
    differences, old = compare_reasons("dead_letters", expected, {(0, 4): given, (0, 99): {Reason.LATE}})
    assert [(one.what, one.offset, one.got) for one in differences] == found
    assert old == without_code


@pytest.mark.parametrize(
    ("stored", "found"),
    [
        ({5}, []),
        (set(), [("missing", 5)]),
        ({5, 1}, [("unexpected", 1)]),
        ({4}, [("missing", 5), ("unexpected", 4)]),
        ({5, 6}, []),
    ],
)
def test_tombstones(topic: Topic, stored: set[int], found: list[tuple[str, int]]) -> None:
    differences = compare_tombstones("postgres.tombstones", 0, 0, topic.fold().marks[0], stored)
    assert [(one.what, one.offset) for one in differences] == found


def test_windows_that_do_not_close_are_found_in_every_size() -> None:
    least_ms = NOON * 1000
    assert compare_watermarks("postgres", {60: least_ms, 300: least_ms + 1}, least_ms) == []
    found = compare_watermarks("postgres", {60: None, 300: least_ms - 1}, least_ms)
    assert [(each.window_seconds, each.got) for each in found] == [(60, None), (300, least_ms - 1)]
