"""Recovery is told from when each event was due and when it was seen, and from nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from slo.faults.recovery import caught_up_seconds, fresh_seconds, later_trouble_seconds
from slo.recording import Series

NAN = float("nan")


def series(*events: tuple[float, float]) -> Series:
    """(due, latency) of each event."""
    return Series(np.array([due for due, _ in events]), np.array([latency for _, latency in events]))


OUTAGE = series((0, 0.1), (1, 0.1), (2, 8.0), (4, 6.2), (6, 4.5), (8, 2.2), (10, 0.9), (11, 0.1), (12, 0.1))
"""Something died at 2 s; at 10 s the first old value came, at 10.9 s the first fresh one, and nothing was late."""


def test_what_comes_first_after_an_outage_is_old_and_no_recovery() -> None:
    """At 10 s the event of 2 s is there, at 10.2 s that of 8 s; that of 10 s is the first fresh one."""
    assert fresh_seconds(OUTAGE, ended=2.0, stale_seconds=1.5) == pytest.approx(8.9)
    assert fresh_seconds(OUTAGE, ended=9.0, stale_seconds=1.5) == pytest.approx(1.9)


def test_a_pipeline_that_notices_late_what_died_has_not_recovered_before_that() -> None:
    """The fault is over at 0.5 s; for a second values still come, and then none for eight."""
    assert fresh_seconds(OUTAGE, ended=0.5, stale_seconds=1.5) == pytest.approx(10.4)


def test_where_nothing_was_ever_stale_the_first_event_since_then_tells() -> None:
    assert fresh_seconds(OUTAGE, ended=10.95, stale_seconds=1.5) == pytest.approx(0.15)
    assert fresh_seconds(series((0, 0.1), (1, 0.2), (2, 0.1)), ended=0.5, stale_seconds=1.5) == pytest.approx(0.7)


def test_trouble_long_after_the_fault_has_another_cause() -> None:
    events = [(float(second), 0.1) for second in range(20)]
    events[15] = (15.0, 3.0)
    events[16] = (16.0, 2.5)
    assert fresh_seconds(series(*events), ended=1.5, stale_seconds=1.5) == pytest.approx(0.6)


def test_what_never_becomes_fresh_again_has_not_recovered() -> None:
    assert fresh_seconds(series((0, 0.1), (1, 0.1), (2, NAN), (3, NAN)), ended=1.5, stale_seconds=1.5) is None
    assert fresh_seconds(series((0, 0.1), (1, 0.1), (2, 9.0), (3, 8.0)), ended=1.5, stale_seconds=1.5) is None
    assert fresh_seconds(series((0, NAN), (1, NAN)), ended=0.5, stale_seconds=1.5) is None
    assert fresh_seconds(series((0, 0.1), (1, 0.1)), ended=1.5, stale_seconds=1.5) is None, "nothing was due since then"


def test_caught_up_is_when_nothing_is_late_any_more() -> None:
    """The events of 6 and 8 s are late as well, and the last of them is there at 10.5 s."""
    assert caught_up_seconds(OUTAGE, ended=2.0, late_seconds=1.0) == 10.5 - 2.0
    assert caught_up_seconds(OUTAGE, ended=9.0, late_seconds=1.0) == 10.5 - 9.0


def test_a_fault_that_made_nothing_late_is_over_at_once() -> None:
    assert caught_up_seconds(series((0, 0.1), (1, 0.2), (2, 0.1)), ended=1.5, late_seconds=1.0) == 0.0


def test_what_is_late_long_before_or_after_is_another_matter() -> None:
    apart = series((0, 3.0), (5, 3.0), (7, 1.5), (9, 0.1), (20, 5.0))
    assert caught_up_seconds(apart, ended=5.0, late_seconds=1.0) == 8.5 - 5.0
    assert caught_up_seconds(apart, ended=9.0, late_seconds=1.0) == 0.0


def test_an_event_that_never_came_is_never_caught_up_with() -> None:
    assert caught_up_seconds(series((0, 0.1), (1, NAN), (2, 0.1)), ended=0.5, late_seconds=1.0) is None


def test_what_was_late_before_the_fault_and_is_over_before_it_shows_is_no_recovery() -> None:
    """A hiccup when the process was killed, for instance because the load has just begun; the outage comes after it."""
    events = series((0, 3.0), (1, 2.2), (2, 1.1), (3, 0.2), (4, 8.0), (6, 6.5), (8, 4.2), (12.5, 0.1), (13, 0.1))
    assert fresh_seconds(events, ended=3.0, stale_seconds=1.5) == pytest.approx(9.6)
    assert caught_up_seconds(events, ended=3.0, late_seconds=1.0) == pytest.approx(9.5)


def test_trouble_too_late_for_a_recovery_is_told_all_the_same() -> None:
    """Late from 30 s after the fault on: no part of the recovery, and not counted nowhere."""
    due = np.arange(0.0, 100.0, 0.1)
    values = np.where((due >= 50.0) & (due < 52.0), 5.0, 0.2)
    series = Series(due, values)
    assert later_trouble_seconds(series, 20.0, 1.0) == pytest.approx(31.0, abs=0.2)
    assert later_trouble_seconds(series, 45.0, 1.0) is None
    assert later_trouble_seconds(Series(due, np.full(len(due), 0.2)), 20.0, 1.0) is None
