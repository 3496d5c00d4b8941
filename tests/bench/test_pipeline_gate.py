"""The whole pipeline held against its objectives: one check of a stack of its own, four gates. Takes 22 minutes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from compose.experiment.load_check import GeneratedLoad, run_load_check, warm_up
from compose.stack.lifecycle import temporary_stack
from compose.stack.ports import PortChoice
from slo.check import Observation
from slo.probes.catalogue import probes_of
from slo.recording import Recording
from tests.bench.objectives import RATE

pytestmark = pytest.mark.long

SECONDS = 1_200
"""As long as it takes to show that 99.9 % of reads are fast enough, of which four each 0.22 s are one sample."""
WARM_UP_SECONDS = 30.0


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recording]:
    """Minutes at 5,000 events/s on a stack that has warmed up, every event timed, every count compared."""
    directory = tmp_path_factory.mktemp("bench") / "stack"
    with temporary_stack(directory, PortChoice.AUTO, historic=False, say=print, environ={}) as settings:
        warm_up(directory, RATE, WARM_UP_SECONDS)
        probes = probes_of(settings, with_canaries=False)
        yield run_load_check(GeneratedLoad(directory, settings, RATE, SECONDS), Observation(probes)).recording


@pytest.mark.objective("counts_exact")
def test_every_window_is_counted_exactly(recording: Recording, recorded: Callable[[Recording], None]) -> None:
    recorded(recording)


@pytest.mark.objective("event_to_redis")
def test_events_reach_redis(recording: Recording, recorded: Callable[[Recording], None]) -> None:
    recorded(recording)


@pytest.mark.objective("event_to_postgres")
def test_events_reach_postgres(recording: Recording, recorded: Callable[[Recording], None]) -> None:
    recorded(recording)


@pytest.mark.objective("cache_read")
def test_the_cache_is_read(recording: Recording, recorded: Callable[[Recording], None]) -> None:
    recorded(recording)
