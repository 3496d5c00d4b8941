"""What becomes of a strike, and what is found running afterwards."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from compose.experiment.disturbed_stack import Disturbance
from compose.experiment.schedule_run import still_running, strike_outcome
from compose.process.errors import EnvironmentFailed
from compose.stack.layout import Layout
from slo.disturbances.bench import CommandFailed, NotStruck
from slo.schedules.schedule import strike

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
