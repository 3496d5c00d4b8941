"""What every commit has to keep: one stack, one load of 150 s, then a day of the dashboard. Takes 5 minutes.

The limits are those of slo/objectives.yaml; the targets are lower, so that so short a run can show them. The long gates
beside this file hold the whole targets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from compose.experiment.load_check import GeneratedLoad, run_load_check, warm_up
from compose.stack.lifecycle import temporary_stack
from compose.stack.ports import PortChoice
from pipeline.settings import Settings
from slo.check import Observation
from slo.probes.catalogue import probes_of
from slo.recording import Recording
from tests.bench.full_day import fill, refreshed
from tests.bench.objectives import COMMIT_REFRESHES, COMMIT_SECONDS, RATE

WARM_UP_SECONDS = 20.0


@dataclass(frozen=True)
class LoadedStack:
    """A stack that runs on after the load that was recorded."""

    directory: Path
    settings: Settings
    recording: Recording


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoadedStack]:
    """Every event timed, every count compared."""
    directory = tmp_path_factory.mktemp("bench") / "stack"
    with temporary_stack(directory, PortChoice.AUTO, historic=False, say=print, environ={}, dashboard=True) as settings:
        warm_up(directory, RATE, WARM_UP_SECONDS)
        load = GeneratedLoad(directory, settings, RATE, COMMIT_SECONDS)
        checked = run_load_check(load, Observation(probes_of(settings, with_canaries=False)))
        yield LoadedStack(directory, settings, checked.recording)


@pytest.fixture
def recording(stack: LoadedStack) -> Recording:
    return stack.recording


@pytest.mark.objective("counts_exact")
def test_every_window_is_counted_exactly(recording: Recording, recorded: Callable[[Recording], None]) -> None:
    recorded(recording)


@pytest.mark.objective("commit_event_to_redis")
def test_events_reach_redis(recording: Recording, recorded: Callable[[Recording], None]) -> None:
    recorded(recording)


@pytest.mark.objective("commit_event_to_postgres")
def test_events_reach_postgres(recording: Recording, recorded: Callable[[Recording], None]) -> None:
    recorded(recording)


@pytest.mark.objective("commit_cache_read")
def test_the_cache_is_read(recording: Recording, recorded: Callable[[Recording], None]) -> None:
    recorded(recording)


@pytest.mark.objective("commit_dashboard_refresh_cost")
def test_a_refresh_of_a_day(
    stack: LoadedStack, recorded: Callable[[Recording], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """Last, as it ends the jobs and fills the stores."""
    fill(stack.directory, stack.settings)
    recorded(refreshed(stack.settings, "range=24+h", capsys, COMMIT_REFRESHES))
