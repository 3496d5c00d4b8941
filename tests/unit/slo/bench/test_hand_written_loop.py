"""The yardstick counts by the same rules: the contract's record vectors, and sums of windows."""

from __future__ import annotations

from slo.bench.hand_written_loop import LoopCounts


def test_five_minute_windows_are_sums_of_minutes() -> None:
    """Minute 10 begins the 5-minute window at 600 s; minute 14 is its last and 15 the next one's first."""
    counts = LoopCounts()
    counts.impressions[10, "c", "food"] = 3
    counts.impressions[14, "c", "food"] = 2
    counts.impressions[15, "c", "food"] = 1
    counts.clicks[14, "c", "food"] = 1

    changes = counts.take_changes()

    assert changes[60, 600, "c", "food"] == (3, 0)
    assert changes[60, 840, "c", "food"] == (2, 1)
    assert changes[300, 600, "c", "food"] == (5, 1)
    assert changes[300, 900, "c", "food"] == (1, 0)


def test_categories_are_sums_of_campaigns() -> None:
    """Two campaigns of one category; their sum stands under an empty campaign."""
    counts = LoopCounts()
    counts.impressions[10, "a", "food"] = 3
    counts.impressions[10, "b", "food"] = 4

    assert counts.take_changes()[60, 600, "", "food"] == (7, 0)


def test_changes_are_absolute_and_only_those_since_the_last_flush() -> None:
    """A cell that did not change is not written again, one that did is written with its whole count."""
    counts = LoopCounts()
    counts.impressions[10, "a", "food"] = 3
    counts.impressions[10, "b", "games"] = 1
    counts.take_changes()
    counts.clicks[10, "a", "food"] = 2

    changes = counts.take_changes()

    assert changes[60, 600, "a", "food"] == (3, 2)
    assert (60, 600, "b", "games") not in changes
    assert counts.take_changes() == {}
