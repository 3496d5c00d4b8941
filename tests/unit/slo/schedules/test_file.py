"""A schedule's file says the same schedule again, and of a bad one everything that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slo.schedules.draw import draw
from slo.schedules.file import ScheduleError, parse_schedule, read_schedule, to_yaml, write_schedule

GOOD = """\
apiVersion: adctr/v1
seed: 7
seconds: 60
rate: 500
strikes:
- {begin: 20, action: redis_killed}
- {begin: 12.5, lasts: 4, action: kafka_paused}
"""


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**63), seconds=st.floats(30, 600, allow_nan=False))
def test_a_schedule_survives_its_file(seed: int, seconds: float) -> None:
    schedule = draw(seed, seconds, 2500.0)
    assert parse_schedule(to_yaml(schedule), "text") == schedule


def test_a_file_by_hand_is_read_in_the_order_of_time(tmp_path: Path) -> None:
    path = tmp_path / "new" / "schedule.yaml"
    write_schedule(path, parse_schedule(GOOD, "text"))
    schedule = read_schedule(path)
    assert [(each.action.name, each.begin_seconds, each.lasts_seconds) for each in schedule.strikes] == [
        ("kafka_paused", 12.5, 4.0),
        ("redis_killed", 20.0, 0.0),
    ]
    assert (schedule.seed, schedule.seconds, schedule.rate) == (7, 60.0, 500.0)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("seed: 7\n", "", "text:1: seed: is missing; add seed: 1 (of the load)"),
        ("seed: 7", "seed: 1.5", "text:2: seed: 1.5 is not a whole number of at least 0"),
        ("rate: 500", "rate: 0", "text:4: rate: 0 is nothing"),
        (
            "redis_killed",
            "redis_kiled",
            "text:6: strikes[0].action: redis_kiled is no action; did you mean redis_killed?",
        ),
        ("lasts: 4", "lasts: 31", "text:6: strikes: kafka_paused lasts 31 s: at most 30 s"),
        ("seconds: 60", "seconds: 15", "redis_killed ends at 20 s: the schedule has 15 s"),
        ("redis_killed", "kafka_killed", "kafka_paused at 12.5 s and kafka_killed at 20 s: one takes away"),
        ("{begin: 20, action: redis_killed}", "soon", "text:6: strikes[0]: soon stands here"),
        ("apiVersion: adctr/v1", "apiVersion: adctr/v2", "text:1: apiVersion: adctr/v2 is another format"),
        ("begin: 20, action: redis_killed", "begin: 5, action: dead_letters_replayed", "not before 15 s"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(before: str, after: str, said: str) -> None:
    with pytest.raises(ScheduleError) as refused:
        parse_schedule(GOOD.replace(before, after), "text")
    assert said in str(refused.value)


@pytest.mark.parametrize("path", sorted((Path(__file__).parents[3] / "schedules").glob("*.yaml")), ids=lambda p: p.stem)
def test_the_saved_schedules_can_be(path: Path) -> None:
    assert read_schedule(path).problems == []
