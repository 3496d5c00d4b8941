"""What is left of a failing schedule fails still, and not without any one of its strikes."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from slo.schedules.schedule import Schedule, strike
from slo.schedules.shrink import shrink

STRIKES = tuple(strike("retention_applied", 10.0 + 20.0 * number) for number in range(12))
SCHEDULE = Schedule(1, 300.0, 100.0, STRIKES)
LONG = Schedule(1, 300.0, 100.0, (strike("kafka_paused", 20.0, 30.0), strike("redis_away", 90.0, 50.0)))


class Runner:
    """Fails where all of some strikes are there: the fake of a stack."""

    def __init__(self, needed: set[float]) -> None:
        self.needed = needed
        self.ran: list[Schedule] = []

    def __call__(self, schedule: Schedule) -> bool:
        assert schedule.problems == []
        assert schedule.strikes
        assert schedule not in self.ran, "a schedule of minutes is not run twice"
        self.ran.append(schedule)
        return self.needed <= {each.begin_seconds for each in schedule.strikes}


@settings(max_examples=60, deadline=None)
@given(needed=st.sets(st.sampled_from([each.begin_seconds for each in STRIKES]), min_size=1))
def test_exactly_the_strikes_that_are_needed_are_left(needed: set[float]) -> None:
    found = shrink(SCHEDULE, Runner(needed), 1_000)
    assert {each.begin_seconds for each in found.schedule.strikes} == needed
    assert found.smallest


@settings(max_examples=60, deadline=None)
@given(least=st.integers(1, 12), step=st.integers(1, 3))
def test_where_strikes_stand_in_for_each_other_each_of_the_last_is_needed(least: int, step: int) -> None:
    """Not monotone: a schedule fails by the number of its strikes, and not every number does."""

    def fails(schedule: Schedule) -> bool:
        number = len(schedule.strikes)
        return number == len(STRIKES) or (number >= least and (number - least) % step == 0)

    found = shrink(SCHEDULE, fails, 1_000)
    left = found.schedule.strikes
    assert fails(found.schedule)
    assert not any(
        fails(SCHEDULE.only([*left[:index], *left[index + 1 :]])) for index in range(len(left)) if len(left) > 1
    )


def test_a_single_strike_takes_few_runs() -> None:
    runner = Runner({STRIKES[7].begin_seconds})
    found = shrink(SCHEDULE, runner, 1_000)
    assert found.runs == len(runner.ran) <= 8


def test_lengths_shrink_where_it_still_fails() -> None:
    """The pause of Kafka must be long; Redis need not be down for more than its shortest time."""

    def fails(schedule: Schedule) -> bool:
        lengths = {each.action.name: each.lasts_seconds for each in schedule.strikes}
        return lengths.get("kafka_paused", 0.0) > 10.0 and "redis_away" in lengths

    found = shrink(LONG, fails, 1_000)
    assert [(each.action.name, each.lasts_seconds) for each in found.schedule.strikes] == [
        ("kafka_paused", 30.0),
        ("redis_away", 2.0),
    ]


def test_after_enough_runs_it_stops_with_what_it_has_and_says_so() -> None:
    """An interrupted run has had every smaller one by then."""
    told: list[Schedule] = []
    found = shrink(SCHEDULE, Runner({STRIKES[0].begin_seconds, STRIKES[11].begin_seconds}), 6, told.append)
    assert (found.runs, found.smallest) == (6, False)
    assert told == [] or told[-1] == found.schedule
    assert len(found.schedule.strikes) < len(STRIKES) or not told
