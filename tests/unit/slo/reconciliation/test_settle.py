"""What can't be told is neither right nor wrong: windows that change while they are read, or began before the topic."""

from __future__ import annotations

import pytest

from pipeline.contract.cache_schema import Counts
from slo.reconciliation.compare import (
    MOST_LISTED,
    Difference,
    Differences,
    at_least,
    by_category,
    compare_window,
    settle,
)
from slo.reconciliation.tally import Tally
from tests.unit.slo.reconciliation.memory_topic import NOON, Topic, event, record

SHOES = ("shoes", "sports")


def later_tally() -> Tally:
    """Two impressions of shoes in the minute of noon, after the end was fixed."""
    topic = Topic()
    topic.add(0, record(event("b-1")), record(event("b-2")))
    return topic.fold().counted


@pytest.mark.parametrize(
    ("got", "is_explained"),
    [
        (Counts(11, 3), True),
        (Counts(12, 3), True),
        (Counts(13, 3), False),
        (Counts(9, 3), False),
        (Counts(11, 2), False),
        (Counts(11, 4), False),
        (None, False),
    ],
)
def test_a_cell_must_lie_between_the_fold_and_the_later_fold(got: Counts | None, is_explained: bool) -> None:
    expected = {SHOES: Counts(10, 3), ("hats", "fashion"): Counts(1, 0)}
    stored = {("hats", "fashion"): Counts(1, 0)} | ({SHOES: got} if got else {})
    suspects = compare_window("postgres.metrics_1min", 60, NOON, expected, stored)
    real, explained = settle(suspects, later_tally())
    assert (len(real), len(explained)) == ((0, 1) if is_explained else (1, 0))


def test_a_cell_that_only_later_events_have_is_explained_in_windows_of_both_sizes_and_in_category_sums() -> None:
    cell = {SHOES: Counts(1, 0)}
    suspects = [
        *compare_window("redis.cells.60", 60, NOON, {}, cell),
        *compare_window("redis.cells.300", 300, NOON, {}, cell),
        *compare_window("redis.categories.60", 60, NOON, {}, by_category(cell)),
    ]
    assert len(suspects) == 3
    assert settle(suspects, later_tally()) == ([], suspects)


def test_another_window_or_campaign_is_not_explained() -> None:
    suspects = [
        *compare_window("redis.cells.60", 60, NOON + 60, {}, {SHOES: Counts(1, 0)}),
        *compare_window("redis.cells.60", 60, NOON, {}, {("hats", "fashion"): Counts(1, 0)}),
    ]
    assert settle(suspects, later_tally()) == (suspects, [])


def test_a_window_missing_as_a_whole_is_never_explained() -> None:
    suspects = compare_window("redis.cells.60", 60, NOON, {SHOES: Counts(1, 0)}, {})
    assert settle(suspects, later_tally()) == (suspects, [])


def test_of_a_window_that_began_before_the_topic_does_only_too_little_is_wrong() -> None:
    expected = {SHOES: Counts(10, 3)}
    more = compare_window("store", 60, NOON, expected, {SHOES: Counts(12, 3), ("old", "x"): Counts(5, 5)})
    less = compare_window("store", 60, NOON, expected, {SHOES: Counts(12, 2)})
    assert at_least(more) == ([], more)
    assert at_least(less) == (less, [])


def test_ten_thousand_differences_are_listed_and_all_are_counted() -> None:
    found = Differences()
    found.add(Difference("store", "missing", offset=offset) for offset in range(MOST_LISTED + 5))
    assert (len(found.listed), found.total) == (MOST_LISTED, MOST_LISTED + 5)
