"""The results of strikes, and what is found running afterwards."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from compose.experiment import schedule_run
from compose.experiment.disturbed_stack import Disturbance, StackBench
from compose.experiment.load_check import GeneratedLoad
from compose.experiment.schedule_run import Judging, run_on, still_running, strike_outcome
from compose.process.errors import EnvironmentFailed
from compose.stack.layout import Layout
from pipeline.settings import Settings
from slo.annotations import read_activities
from slo.check import Checked, Watch
from slo.disturbances.action import Action
from slo.disturbances.bench import CommandFailed, NotStruck
from slo.faults import steady
from slo.reconciliation.compare import Differences
from slo.reconciliation.report import Report
from slo.recording import Recording, Series
from slo.schedules.result import ScheduleRun
from slo.schedules.schedule import Schedule, Strike, strike
from slo.spec.model import Indicator
from slo.spec.parse import load_bundled
from slo.verdict import Verdict
from tests.integration.waiting import eventually

STRIKE = strike("redis_killed", 10.0)


def outcome_of(on_entry: Exception | None, on_exit: Exception | None = None) -> Callable[[], Iterator[None]]:
    @contextmanager
    def disturb() -> Iterator[None]:
        if on_entry:
            raise on_entry
        yield
        if on_exit:
            raise on_exit

    return disturb  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("on_entry", "on_exit", "struck", "said"),
    [
        (None, None, True, "struck"),
        (
            RuntimeError("the live job runs in no TaskManager"),
            None,
            False,
            "missed: the live job runs in no TaskManager",
        ),
        (None, NotStruck("nobody felt it"), False, "missed: nobody felt it"),
        (CommandFailed(("dlq", "replay"), 1, "no"), None, False, "`adctr dlq replay` ended with exit code 1: no"),
        (None, EnvironmentFailed("port taken"), False, "redis_killed could not be put right: port taken"),
    ],
)
def test_a_strike_struck_or_missed_or_broke_something(
    on_entry: Exception | None, on_exit: Exception | None, struck: bool, said: str
) -> None:
    disturbance = Disturbance("redis_killed", outcome_of(on_entry, on_exit), 0.0, 0.0)  # type: ignore[arg-type]
    disturbance.begin()
    if on_entry or on_exit:
        with pytest.raises(EnvironmentFailed):
            disturbance.end()
    else:
        disturbance.end()
    found = strike_outcome(STRIKE, disturbance)
    assert (found.struck, found.said) == (struck, said)
    assert bool(found.failed) == said.startswith(("`adctr", "redis_killed could"))


def test_a_strike_that_never_began_says_so() -> None:
    disturbance = Disturbance("redis_killed", outcome_of(None), 60.0, 60.0)  # type: ignore[arg-type]
    disturbance.begin()
    disturbance.end()
    assert strike_outcome(STRIKE, disturbance).said == "the load ended before it"


def test_a_command_of_ours_on_the_stack_s_directory_is_found(tmp_path: Path) -> None:
    layout = Layout.of(tmp_path / "stack")
    assert still_running(layout) == []
    waits = [sys.executable, "-c", "input()", "compose.cli", "--data-dir", str(layout.root)]
    with subprocess.Popen(waits, stdin=subprocess.PIPE) as child:
        found = still_running(layout)
        child.kill()
    assert len(found) == 1
    assert f"({child.pid})" in found[0]
    assert still_running(layout) == []


class Bench:
    """A stack that no test needs: it heals, or can't."""

    def __init__(self, root: Path, refuses: str = "") -> None:
        self.layout, self.settings = Layout.of(root), Settings(redis_port=1, postgres_port=1)
        self.refuses, self.heals = refuses, 0

    def begin(self, *_: object) -> None:
        pass

    def heal(self) -> list[str]:
        self.heals += 1
        if self.refuses:
            raise EnvironmentFailed(self.refuses)
        return []


def keeps_up(rate: float) -> Watch:
    """Both stores have always counted what is due."""

    class Recorder:
        counted = property(lambda _: int(time.time() * rate))

    recorder = SimpleNamespace(recorder=Recorder())
    return cast(Watch, SimpleNamespace(events=SimpleNamespace(redis=recorder, postgres=recorder)))


def load_of(report: Report, ends: Callable[[GeneratedLoad, Watch], None]) -> Callable[..., Checked]:
    """In the place of a load on a stack: asks the run as `run_load_check` does, until it may end."""

    def check(load: GeneratedLoad, _observation: object) -> Checked:
        watch = keeps_up(load.rate * 0.98)
        ends(load, watch)
        now = time.time()
        series = Series(np.array([now - 20.0, now - 0.2]), np.array([0.1, 0.1]))
        stores = {Indicator.EVENT_TO_REDIS: series, Indicator.EVENT_TO_POSTGRES: series}
        return Checked(Recording(0, 60, stores), None, report, {})

    return check


def until_it_may_end(load: GeneratedLoad, watch: Watch) -> None:
    assert load.during is not None
    assert load.give_up is not None
    load.during(watch, cast(Any, None))
    eventually("the load may end", lambda: load.give_up(watch), 20)  # type: ignore[misc]


def refuse(error: EnvironmentFailed) -> Callable[[GeneratedLoad, Watch], None]:
    def at_once(_load: GeneratedLoad, _watch: Watch) -> None:
        raise error

    return at_once


@contextmanager
def harmless(_bench: object) -> Iterator[None]:
    yield


HARMLESS = Action("harmless", "Nothing.", harmless, lasts_seconds=1.0)
SCHEDULE = Schedule(3, 5.0, 100.0, (Strike(HARMLESS, 0.1, 0.1), Strike(HARMLESS, 0.4, 0.0)))
EXACT = Report(records=9, verified={"raw_events": 9})


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds of waiting for a steady pipeline, as tenths."""
    monkeypatch.setattr(schedule_run, "WATCHED_SECONDS", 0.3)
    monkeypatch.setattr(steady, "STEADY_SECONDS", 0.2)


def run_with(
    monkeypatch: pytest.MonkeyPatch, bench: Bench, ends: Callable[[GeneratedLoad, Watch], None], report: Report = EXACT
) -> ScheduleRun:
    monkeypatch.setattr(schedule_run, "run_load_check", load_of(report, ends))
    judging = Judging(load_bundled(), 90.0, 1.0, bench.layout.root / "activities.jsonl")
    return run_on(SCHEDULE, cast(StackBench, bench), judging)


@pytest.mark.usefixtures("quick")
def test_strikes_come_in_their_time_and_then_all_is_healed_and_judged(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bench = Bench(tmp_path / "stack")
    run = run_with(monkeypatch, bench, until_it_may_end)
    assert [each.said for each in run.outcomes] == ["struck", "struck"]
    assert (run.exact, run.records, run.broken, run.void, bench.heals) == (True, 9, "", "", 1)
    assert run.recovery_seconds is not None
    assert set(run.reads) == {"unanswered"}, "neither store is there"
    assert [each.outcome for each in read_activities(bench.layout.root / "activities.jsonl")] == ["struck", "struck"]
    found = run_with(monkeypatch, bench, until_it_may_end, replace(EXACT, found=Differences([], 4)))
    assert "4 differences" in found.problems


@pytest.mark.usefixtures("quick")
def test_a_stack_that_cannot_be_healed_is_a_failure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    run = run_with(monkeypatch, Bench(tmp_path / "stack", "port 9092 is in use"), until_it_may_end)
    assert run.verdict is Verdict.FAIL
    assert run.problems == ["the stack could not be healed: port 9092 is in use"]


def test_what_fails_before_any_strike_is_the_machine_s(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFailed, match="no load"):
        run_with(monkeypatch, Bench(tmp_path / "stack"), refuse(EnvironmentFailed("no load")))
