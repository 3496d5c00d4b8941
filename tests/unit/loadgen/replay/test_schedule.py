"""When a log's rows are sent."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import pytest

from loadgen.errors import LoadRefused
from loadgen.replay.schedule import LogSchedule, RecordTimes, parse_speed

SECOND_NS = 1_000_000_000


def test_the_first_row_is_now_and_gaps_are_divided_by_the_speed() -> None:
    """Rows at 10, 12 and 17 s of the log, ten times as fast: after 0, 200 and 700 ms."""
    schedule = LogSchedule(5 * SECOND_NS, Fraction(10))
    offsets = [schedule.intended_ns(ms) - 5 * SECOND_NS for ms in (10_000, 12_000, 17_000)]
    assert offsets == [0, 200_000_000, 700_000_000]


def test_a_row_that_is_older_than_the_one_above_is_sent_right_behind_it() -> None:
    """And shifts nothing behind it, though it was the first of all to happen."""
    schedule = LogSchedule(0, Fraction(1))
    assert [schedule.intended_ns(ms) // 1_000_000 for ms in (1_000, 3_000, 500, 4_000)] == [0, 2_000, 2_000, 3_000]


def test_no_drift_over_a_year() -> None:
    """Of milliseconds, at a third of the speed."""
    schedule = LogSchedule(0, Fraction("0.333"), max_gap_ns=10**19)
    schedule.intended_ns(0)
    assert schedule.intended_ns(333 * 86_400_000) == 86_400_000 * 1_000_000_000


def _seconds(times: Sequence[float], max_gap_seconds: float, speed: int = 1) -> tuple[list[float], int]:
    schedule = LogSchedule(0, Fraction(speed), int(max_gap_seconds * SECOND_NS))
    return [schedule.intended_ns(int(at * 1000)) / SECOND_NS for at in times], schedule.gaps_cut


def test_a_gap_is_cut() -> None:
    """To what is asked for, after the speed; the rows behind it keep their distance."""
    assert _seconds([0, 1, 3_600, 3_601, 3_603], 10) == ([0, 1, 11, 12, 14], 1)
    assert _seconds([0, 1, 3_600, 3_601], 10, speed=1_000) == ([0, 0.001, 3.6, 3.601], 0)
    assert _seconds([0, 1, 10], 0) == ([0, 0, 0], 2)


def test_a_clock_that_is_wrong() -> None:
    """One row of 2062, then the log goes on: it waits once, and the others keep their distance."""
    assert _seconds([0, 1e9, 1, 2, 3], 5) == ([0, 5, 6, 7, 8], 1)
    assert _seconds([1e9, 0, 1, 2], 5) == ([0, 0, 0, 0], 0)
    assert _seconds([0, 1e9, 2e9, 2e9 + 1], 5) == ([0, 5, 10, 11], 2)


@pytest.mark.parametrize(("text", "speed"), [("1x", 1), ("10x", 10), ("0.5x", Fraction(1, 2)), ("max", None)])
def test_speeds(text: str, speed: object) -> None:
    assert parse_speed(text) == speed


@pytest.mark.parametrize("text", ["", "x", "10", "-1x", "0x", "1e3x", "fast", "infx"])
def test_what_is_no_speed(text: str) -> None:
    with pytest.raises(LoadRefused, match="--speed"):
        parse_speed(text)


def test_record_times_stay_within_the_slack() -> None:
    """10 minutes behind the newest is taken, a millisecond more is not; nor is what the canaries could not close."""
    times = RecordTimes(slack_ms=600_000, latest_ms=2_000_000)
    assert [times.reason_against(ms) for ms in (1_000_000, 1_700_000, 1_100_000)] == [None, None, None]
    assert times.reason_against(1_099_999) == (
        "is 600.001 s older than a row above it: at most 600 s; sort the log by time"
    )
    assert (times.reason_against(2_000_001) or "").startswith("is younger than 2000000 ms")
    assert times.newest_ms == 1_700_000
