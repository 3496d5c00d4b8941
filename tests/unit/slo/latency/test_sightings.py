"""What the recorder keeps, and which windows are looked at."""

from __future__ import annotations

from slo.latency.poller import open_windows
from slo.latency.sightings import CellNumbers, SightingRecorder

CELL = (600, "cmp-0001", "food")
OTHER = (600, "cmp-0002", "games")


def test_only_rises_are_kept() -> None:
    """3, 3, 5: the second 3 is no news."""
    recorder = SightingRecorder(CellNumbers())
    for at, count in ((1.0, 3), (2.0, 3), (3.0, 5)):
        recorder.look(at, [(CELL, count)])

    seen = recorder.sightings()
    assert seen.count.tolist() == [3, 5]
    assert seen.seen_at.tolist() == [1.0, 3.0]
    assert (recorder.intervals().tolist(), recorder.taken_back) == ([1.0, 1.0], 0)


def test_a_value_that_falls_and_returns_is_visible_from_its_return() -> None:
    """2, 4, then 3 and 4 again: the fourth event was taken back at second 3 and is there from second 4 on."""
    recorder = SightingRecorder(CellNumbers())
    for at, count in ((1.0, 2), (2.0, 4), (3.0, 3), (4.0, 4)):
        recorder.look(at, [(CELL, count), (OTHER, int(at))])

    cell = recorder.numbers.number(CELL)
    seen = recorder.sightings()
    of_cell = seen.cell == cell
    assert (seen.count[of_cell].tolist(), seen.seen_at[of_cell].tolist()) == ([2, 3, 4], [1.0, 2.0, 4.0])
    assert seen.count[~of_cell].tolist() == [1, 2, 3, 4]
    assert (recorder.counted, recorder.taken_back) == (8, 0)


def test_an_overcount_that_is_corrected_later_was_taken_back() -> None:
    """Five are shown, three were right."""
    recorder = SightingRecorder(CellNumbers())
    for at, count in ((1.0, 2), (2.0, 5), (3.0, 3)):
        recorder.look(at, [(CELL, count)])
    assert recorder.taken_back == 2


def test_the_baseline_is_not_counted() -> None:
    """Ten before the run, twelve and one now: three events."""
    recorder = SightingRecorder(CellNumbers())
    recorder.take_baseline([(CELL, 10)])
    recorder.look(1.0, [(CELL, 12), (OTHER, 1)])

    assert recorder.counted == 3
    assert recorder.baseline == {0: 10}


def test_open_windows_reach_back_for_disorder() -> None:
    """At 00:10:30 events of up to 150 s ago may still come: the windows of minutes 8, 9 and 10."""
    assert open_windows(630.0) == [480, 540, 600]


def test_the_next_window_is_open_just_before_it_begins() -> None:
    """At 00:10:59 an event of minute 11 may be seen before the next poll."""
    assert open_windows(659.0)[-1] == 660
