"""What is drawn can be done: whatever the seed, every action finds what it needs."""

from __future__ import annotations

from statistics import mean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slo.disturbances.operators import OPERATORS
from slo.schedules.catalogue import ACTIONS
from slo.schedules.draw import FIRST_SECONDS, draw
from slo.schedules.schedule import strike

SEEDS = st.integers(0, 2**63)


@settings(max_examples=100, deadline=None)
@given(seed=SEEDS, seconds=st.integers(30, 900), left_out=st.sets(st.sampled_from([each.name for each in ACTIONS])))
def test_a_drawn_schedule_has_no_problem_and_nor_has_any_part_of_it(
    seed: int, seconds: int, left_out: set[str]
) -> None:
    chosen = [each for each in ACTIONS if each.name not in left_out]
    schedule = draw(seed, float(seconds), 100.0, chosen)
    assert schedule.problems == []
    assert not {each.action.name for each in schedule.strikes} & left_out
    assert all(FIRST_SECONDS <= each.begin_seconds <= each.end_seconds <= seconds for each in schedule.strikes)
    assert schedule.only(schedule.strikes[::2]).problems == []
    assert schedule == draw(seed, float(seconds), 100.0, chosen), "the same seed, the same schedule"


@given(seed=SEEDS)
@settings(max_examples=50, deadline=None)
def test_there_is_always_something_to_do(seed: int) -> None:
    assert draw(seed, 30.0, 100.0).strikes


def test_five_minutes_have_six_strikes_and_two_overlaps_on_average() -> None:
    drawn = [draw(seed, 300.0, 100.0) for seed in range(1, 16)]
    assert mean(len(each.strikes) for each in drawn) >= 6
    assert mean(len(each.overlaps) for each in drawn) >= 2


def test_every_action_is_drawn_sooner_or_later() -> None:
    """A hundred schedules of ten minutes; an action that no other lets in would never be."""
    drawn = {each.action.name for seed in range(100) for each in draw(seed, 600.0, 100.0).strikes}
    assert drawn == {each.name for each in ACTIONS}
    assert {each.name for each in OPERATORS} <= drawn


@pytest.mark.parametrize(
    ("first", "second", "gap", "excluded"),
    [
        ("redis_killed", "redis_flushed", 5.0, True),
        ("redis_killed", "redis_flushed", 10.0, False),
        ("redis_flushed", "redis_flushed", 0.0, False),
        ("redis_slow", "redis_killed", 0.0, False),
        ("jobmanager_killed", "taskmanager_live_killed", 1.0, False),
        ("stack_upgraded", "retention_applied", 70.0, True),
        ("dead_letters_replayed", "postgres_killed", 1.0, True),
    ],
)
def test_what_one_takes_away_the_other_cannot_need(first: str, second: str, gap: float, excluded: bool) -> None:
    one, other = strike(first, 20.0), strike(second, 20.0 + gap)
    assert one.excludes(other) is excluded
    assert other.excludes(one) is excluded


def test_names_of_actions_are_their_own() -> None:
    names = [each.name for each in ACTIONS]
    assert len(set(names)) == len(names)
