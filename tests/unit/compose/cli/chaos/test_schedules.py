"""`chaos random` and `chaos run FILE` without a stack: what is saved, refused, judged and reduced."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from compose.cli.chaos import schedules
from compose.cli.main import app
from compose.experiment.schedule_run import Judging
from compose.process.errors import EnvironmentFailed, UsageError
from slo.checkout import checkout_of
from slo.faults.recovery import Recovery
from slo.schedules.draw import draw
from slo.schedules.file import read_schedule, write_schedule
from slo.schedules.result import ScheduleRun, StrikeOutcome
from slo.schedules.schedule import Schedule


class Stack:
    """Stands in for stacks of the command's own: a schedule fails that has all of some actions."""

    def __init__(self, *failing: str) -> None:
        self.failing = set(failing)
        self.ran: list[tuple[Schedule, Judging]] = []

    def run(self, schedule: Schedule, directory: Path, judging: Judging) -> ScheduleRun:
        assert directory.name == "chaos"
        self.ran.append((schedule, judging))
        outcomes = [StrikeOutcome(each, 1.0, 2.0) for each in schedule.strikes]
        good = ScheduleRun(
            schedule,
            judging.limit_seconds,
            outcomes,
            Recovery(3.0, 3.0, 3.0),
            exact=True,
            records=1,
            reads={"redis": 99},
        )
        names = {each.action.name for each in schedule.strikes}
        return replace(good, exact=False, differences=7) if self.failing and self.failing <= names else good


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Stack:
    found = Stack()
    monkeypatch.setattr(schedules, "run_on_own_stack", found.run)
    return found


def adctr(tmp_path: Path, *arguments: str) -> int:
    return int(app(["--data-dir", str(tmp_path / "data"), "chaos", *arguments], standalone_mode=False))


def document(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_a_seed_is_drawn_saved_and_repeated(tmp_path: Path, stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    assert adctr(tmp_path, "random", "--seed", "3", "--for", "2m", "--format", "json") == 0
    found = document(capsys)
    saved = tmp_path / "data" / "schedules" / "seed-3.yaml"
    assert (found["verdict"], found["seed"], found["schedule"]) == ("pass", 3, str(saved))
    assert read_schedule(saved) == draw(3, 120.0, schedules.DEFAULT_RATE)
    assert adctr(tmp_path, "run", str(saved), "--limit-factor", "2") == 0
    (first, usual), (second, slower) = stack.ran
    assert first == second
    assert slower.limit_seconds == 2 * usual.limit_seconds


def test_the_schedule_is_there_before_it_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> ScheduleRun:
        assert read_schedule(tmp_path / "mine.yaml").seed == 4
        raise EnvironmentFailed("no room")

    monkeypatch.setattr(schedules, "run_on_own_stack", refuse)
    with pytest.raises(EnvironmentFailed, match="no room"):
        adctr(tmp_path, "random", "--seed", "4", "--for", "60", "--save", str(tmp_path / "mine.yaml"))


def test_a_failing_schedule_is_reduced_to_what_fails(
    tmp_path: Path, stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    schedule = draw(1, 300.0, 500.0)
    names = [each.action.name for each in schedule.strikes]
    stack.failing = {names[0], names[-1]}
    path = tmp_path / "failing.yaml"
    write_schedule(path, schedule)
    assert adctr(tmp_path, "run", str(path), "--shrink", "--shrink-runs", "200", "--format", "json") == 1
    found = document(capsys)
    assert (found["differences"], found["shrunk"]["strikes"], found["shrunk"]["smallest"]) == (7, 2, True)
    left = read_schedule(tmp_path / "failing.shrunk.yaml")
    assert {each.action.name for each in left.strikes} == stack.failing
    assert adctr(tmp_path, "run", str(path)) == 1
    assert "failing.shrunk.yaml" not in capsys.readouterr().out


def test_what_passes_is_not_reduced(tmp_path: Path, stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    assert adctr(tmp_path, "random", "--seed", "1", "--for", "60s", "--shrink") == 0
    assert len(stack.ran) == 1
    assert "seed 1: pass" in capsys.readouterr().out


def test_a_series_goes_on_where_it_was_ended(
    tmp_path: Path, stack: Stack, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("random", "--seed", "5", "--for", "60s", "--schedules", "3", "--format", "json")

    def ended(schedule: Schedule, directory: Path, judging: Judging) -> ScheduleRun:
        if schedule.seed == 7:
            raise EnvironmentFailed("no room")
        return stack.run(schedule, directory, judging)

    monkeypatch.setattr(schedules, "run_on_own_stack", ended)
    with pytest.raises(EnvironmentFailed):
        adctr(tmp_path, *words)
    monkeypatch.setattr(schedules, "run_on_own_stack", stack.run)
    assert adctr(tmp_path, *words) == 0
    assert [schedule.seed for schedule, _ in stack.ran] == [5, 6, 7]
    found = document(capsys)
    assert (found["verdict"], [each["seed"] for each in found["runs"]]) == ("pass", [5, 6, 7])
    assert {each["code"] for each in found["runs"]} == {checkout_of().name}


@pytest.mark.parametrize("changed", [("--rate", "700"), ("--limit-factor", "2"), ("--for", "70s")])
def test_a_result_of_another_plan_or_limit_is_not_taken(tmp_path: Path, stack: Stack, changed: tuple[str, str]) -> None:
    words = ("random", "--for", "60s", "--seed", "5", "--schedules", "2")
    adctr(tmp_path, *words)
    adctr(tmp_path, *words, *changed)
    assert [schedule.seed for schedule, _ in stack.ran] == [5, 6, 5, 6]


def test_a_result_of_other_code_is_not_taken(tmp_path: Path, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    for code in ("one", "other", None, None):
        monkeypatch.setattr(schedules, "_code", lambda code=code: code)
        adctr(tmp_path, "random", "--for", "60s", "--seed", "5", "--schedules", "2")
    assert len(stack.ran) == 8


def test_one_failure_fails_the_series(tmp_path: Path, stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    stack.failing = {draw(6, 60.0, schedules.DEFAULT_RATE).strikes[0].action.name}
    assert adctr(tmp_path, "random", "--for", "60s", "--seed", "5", "--schedules", "2") == 1
    assert "| 6 | fail |" in capsys.readouterr().out


def test_what_is_inconclusive_is_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stack: Stack) -> None:
    def first_void(schedule: Schedule, directory: Path, judging: Judging) -> ScheduleRun:
        found = stack.run(schedule, directory, judging)
        return replace(found, void="the machine stood still") if len(stack.ran) == 1 else found

    monkeypatch.setattr(schedules, "run_on_own_stack", first_void)
    assert adctr(tmp_path, "random", "--for", "60s", "--seed", "5", "--retries", "1") == 0
    assert len(stack.ran) == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("random", "--for", "29s"), "--for 29s: must be at least 30s"),
        (("random", "--faults", "earthquake"), "--faults: action 'earthquake': known are taskmanager_killed"),
        (("random", "--for", "60s", "--faults", "windows_recounted"), "none of these can begin so early"),
        (("random", "--save", "/nowhere/at/all.yaml"), "--save /nowhere/at/all.yaml: "),
        (("random", "--save", "mine.yaml", "--schedules", "2"), "--save names one file"),
        (("run", "nothing.yaml"), "nothing.yaml: can't be read"),
        (("run", "nothing.yaml", "--all"), "nothing.yaml is a schedule: no --all"),
        (("run", "redis_killed", "--shrink"), "--shrink reduces a schedule"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_begins(
    tmp_path: Path, stack: Stack, arguments: tuple[str, ...], said: str
) -> None:
    with pytest.raises(UsageError) as refused:
        adctr(tmp_path, *arguments)
    assert said in str(refused.value)
    assert stack.ran == []
    assert not (tmp_path / "data").exists()


def test_faults_are_named_with_commas_or_one_by_one(tmp_path: Path, stack: Stack) -> None:
    assert (
        adctr(
            tmp_path,
            "random",
            "--seed",
            "1",
            "--for",
            "5m",
            "--faults",
            "redis_killed,kafka_killed",
            "--faults",
            "kafka_slow",
        )
        == 0
    )
    ((schedule, _),) = stack.ran
    assert {each.action.name for each in schedule.strikes} == {"redis_killed", "kafka_killed", "kafka_slow"}
