"""What a ledger says must be found."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from loadgen.ledger import EVENT, LATE, Ledger, LedgerHeader
from loadgen.truth import cells, expected_counts
from pipeline.contract.cache_schema import Counts

HEADER = LedgerHeader(
    run_id="run1",
    seed=1,
    profile="steady",
    rate=10.0,
    start_ns=0,
    topic="ad-events",
    allowed_lateness_seconds=600,
    campaigns=["cmp-0001", "cmp-0002"],
    campaign_category=[1, 0],
    categories=["food", "travel"],
)


def _ledger(rows: list[tuple[int, int, int, int, int]], unacknowledged: tuple[int, ...] = ()) -> Ledger:
    """Rows of campaign, type, flags, event time (s), intended send time (ns)."""
    events = np.zeros(len(rows), EVENT)
    events["seq"] = np.arange(len(rows))
    for index, (campaign, kind, flags, seconds, intended) in enumerate(rows):
        events[index] = (index, campaign, kind, flags, seconds * 1000, intended)
    acked = np.array([index not in unacknowledged for index in range(len(rows))], np.bool_)
    answers = np.where(acked, 0, -1).astype(np.int64)
    return Ledger(Path("a"), HEADER, events, acked, ~acked, answers, answers, True, events["intended_ns"])


STORY = [
    # campaign, type, flags, event time, intended
    (0, 0, 0, 60, 1),
    (1, 0, 0, 60, 2),
    (0, 0, 0, 130, 3),
    (0, 1, 0, 61, 4),  # out of order: its window is the first
    (0, 0, LATE, 61, 5),
]


def test_series_are_in_the_order_of_publishing() -> None:
    """Campaign 0 has two events in window 60 s (a click among them), one in 120 s; the late one is not counted."""
    found = [
        (cell.campaign, cell.window_start_seconds, cell.intended_ns.tolist(), cell.is_click.tolist())
        for cell in cells(_ledger(STORY), 60)
    ]
    assert found == [(0, 60, [1, 4], [False, True]), (0, 120, [3], [False]), (1, 60, [2], [False])]


def test_counts_by_window_campaign_and_category() -> None:
    """In 5-minute windows campaign 1 has two impressions and a click."""
    assert expected_counts(_ledger(STORY), 300) == {
        (0, "cmp-0001", "travel"): Counts(2, 1),
        (0, "cmp-0002", "food"): Counts(1, 0),
    }


def test_what_was_not_acknowledged_is_not_expected() -> None:
    """Event 1 was campaign 2's only one."""
    assert (0, "cmp-0002", "food") not in expected_counts(_ledger(STORY, unacknowledged=(1,)), 300)


def test_an_empty_ledger_expects_nothing() -> None:
    """No events, no cells."""
    assert expected_counts(_ledger([]), 60) == {}
