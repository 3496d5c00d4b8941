"""A disturbance has its time, says when it was over, and does not hide that it could not be made."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from compose.experiment.disturbed_stack import Disturbance, StackBench
from compose.process.errors import EnvironmentFailed
from compose.stack.layout import Layout
from pipeline.settings import Settings
from slo.disturbances.bench import CommandFailed
from slo.disturbances.link import GOOD, Condition, Link

STORY: list[tuple[str, float]] = []


@contextmanager
def noted() -> Iterator[None]:
    STORY.append(("begun", time.time()))
    yield
    STORY.append(("put right", time.time()))


def test_it_is_over_before_things_are_put_right() -> None:
    """What its exit does (a server's start, say) is recovery already."""
    STORY.clear()
    disturbance = Disturbance("noted", noted, begin_seconds=0.05, end_seconds=0.15)
    disturbance.begin()
    time.sleep(0.4)
    disturbance.end()
    assert [what for what, _ in STORY] == ["begun", "put right"]
    assert disturbance.ended_at is not None
    assert STORY[0][1] + 0.05 < disturbance.ended_at <= STORY[1][1]


def test_without_an_end_it_lasts_until_the_check_is_judged() -> None:
    STORY.clear()
    disturbance = Disturbance("noted", noted, begin_seconds=0.0, end_seconds=None)
    disturbance.begin()
    time.sleep(0.1)
    assert [what for what, _ in STORY] == ["begun"]
    disturbance.end()
    assert [what for what, _ in STORY] == ["begun", "put right"]


def test_a_check_that_ends_before_it_begins_was_not_disturbed() -> None:
    STORY.clear()
    disturbance = Disturbance("noted", noted, begin_seconds=60.0, end_seconds=61.0)
    disturbance.begin()
    disturbance.end()
    assert (STORY, disturbance.ended_at) == ([], None)


def test_a_disturbance_that_cannot_be_made_says_so() -> None:
    @contextmanager
    def impossible() -> Iterator[None]:
        raise RuntimeError("no such process")
        yield

    disturbance = Disturbance("fault impossible", impossible, begin_seconds=0.0, end_seconds=1.0)
    disturbance.begin()
    with pytest.raises(EnvironmentFailed, match="fault impossible: no such process"):
        disturbance.end()
    assert disturbance.ended_at is None


def test_it_says_when_nothing_of_it_is_still_to_come() -> None:
    """Its exit may take a minute: a stack's start."""
    disturbance = Disturbance("noted", noted, begin_seconds=0.0, end_seconds=0.0)
    assert disturbance.finished_at is None
    disturbance.begin()
    disturbance.end()
    assert disturbance.began_at is not None
    assert disturbance.ended_at is not None
    assert disturbance.finished_at is not None
    assert disturbance.began_at <= disturbance.ended_at <= disturbance.finished_at


def test_commands_run_on_the_stack_s_own_directory(tmp_path: Path) -> None:
    """`down --savepoint` finds no stack there; the exit code and its words come with the error."""
    bench = StackBench(Layout.of(tmp_path / "stack"), Settings(), {}, lambda: None)
    assert "redis_killed" in bench.command("chaos", "list")
    with pytest.raises(
        CommandFailed, match=rf"(?s)`adctr down --savepoint`.*exit code 4: .*{tmp_path}/stack"
    ) as failed:
        bench.command("down", "--savepoint")
    assert failed.value.code == 4


def test_a_stack_that_is_down_is_started_and_links_are_good_again(tmp_path: Path) -> None:
    link, started = Link(1, 2), []
    link.condition = Condition(cut=True)
    bench = StackBench(Layout.of(tmp_path / "stack"), Settings(), {"redis": link}, lambda: started.append("again"))
    assert bench.heal() == ["the stack was down"]
    assert started == ["again"]
    assert link.condition == GOOD
