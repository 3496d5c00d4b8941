"""A verdict over several schedules, and the pairs of actions that overlapped in them."""

from __future__ import annotations

from dataclasses import replace

from slo.faults.recovery import Recovery
from slo.schedules.result import ScheduleRun, StrikeOutcome
from slo.schedules.schedule import Schedule, strike
from slo.schedules.series import pairs, series_json, series_markdown

NAMES = ("redis_killed", "jobmanager_killed", "redis_killed")


def ran(seed: int, order: tuple[str, ...], seconds: float | None) -> ScheduleRun:
    """Strikes a second apart, all of which overlap."""
    schedule = Schedule(seed, 120.0, 1000.0, tuple(strike(name, 10.0 + number) for number, name in enumerate(order)))
    outcomes = [StrikeOutcome(each, 1.0, 2.0) for each in schedule.strikes]
    recovery = Recovery(seconds, seconds, seconds)
    return ScheduleRun(schedule, 90.0, outcomes, recovery, exact=True, records=9, reads={"redis": 99})


def document(run: ScheduleRun) -> dict[str, object]:
    return {**run.as_json(), "code": "abc"}


def test_a_pair_has_no_order_and_each_run_has_one_recovery() -> None:
    runs = [document(ran(1, NAMES, 4.0)), document(ran(2, NAMES[1:], 10.0)), document(ran(3, NAMES[:2], None))]
    both, twice = pairs(runs)
    assert both.as_json() == {
        "actions": ["jobmanager_killed", "redis_killed"],
        "times": 4,
        "recovery_median_seconds": 7.0,
        "recovery_worst_seconds": 10.0,
    }
    assert (twice.first, twice.second, twice.times, twice.recoveries) == ("redis_killed", "redis_killed", 1, [4.0])
    assert "| `jobmanager_killed` and `redis_killed` | 4 | 7.0 | 10.0 |" in series_markdown(runs)


def test_a_failure_outweighs_what_could_not_be_told_and_that_a_pass() -> None:
    good = ran(1, NAMES, 4.0)
    void, bad = replace(good, void="the machine stood still"), replace(good, differences=1)
    said = [[good], [good, void], [void, bad, good]]
    assert [series_json([document(each) for each in runs])["verdict"] for runs in said] == [
        "pass",
        "inconclusive",
        "fail",
    ]


def test_means_count_what_struck() -> None:
    good = ran(1, NAMES, 4.0)
    missed = replace(good, outcomes=[replace(each, missed="nobody felt it") for each in good.outcomes])
    found = series_json([document(good), document(missed)])
    assert (found["strikes_mean"], found["overlaps_mean"]) == (1.5, 1.5)
