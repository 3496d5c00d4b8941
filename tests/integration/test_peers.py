"""Contenders of `adctr bench peers` on a stack of their own: exact counts, latencies, and nothing left behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from compose.cli.bench.peers import LOOP, PYFLINK, contender
from compose.experiment.load_process import LoadProcess
from compose.experiment.preloaded_stack import PreloadedStack, preloaded_stack
from slo.bench.peers.comparison import Entry, drain
from slo.bench.peers.latency import LatencyTurn, LoadShape, measure

pytestmark = [pytest.mark.long, pytest.mark.embedded]

EVENTS = 60_000


@pytest.fixture(scope="module")
def preloaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PreloadedStack]:
    with preloaded_stack(tmp_path_factory.mktemp("peers") / "stack", EVENTS, keep=False, say=print) as stack:
        yield stack


@pytest.fixture
def temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a contender keeps its files."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def test_pyflink_counts_every_event_and_leaves_nothing_behind(preloaded: PreloadedStack, temporary_files: Path) -> None:
    """Its JVM and its Python workers are measured, too: the JVM alone takes more than 200 MB."""
    before = {process.pid for process in psutil.Process().children(recursive=True)}
    run = drain(preloaded.settings, Entry(contender(PYFLINK, preloaded), preloaded.expected()))
    assert run.differences == 0
    assert 0 < run.events <= EVENTS
    assert run.peak_memory_bytes is not None
    assert run.peak_memory_bytes > 200e6
    assert run.cpu_seconds > 0
    assert {process.pid for process in psutil.Process().children(recursive=True)} <= before
    assert list(temporary_files.iterdir()) == []


@pytest.mark.parametrize("name", [LOOP, PYFLINK])
def test_events_of_a_load_are_timed(preloaded: PreloadedStack, name: str) -> None:
    """A topic of its own, 500 events a second for 4 s: each is seen, half of them within the 2 s of a slow machine."""
    live = preloaded.with_topic(f"ad-events-{name}", historic=False)

    def load() -> LoadProcess:
        return LoadProcess(live.layout.root, live.ledger, 500.0, None, settings=live.settings)

    turn = LatencyTurn(live.settings, contender(name, live, follow=True), load)
    run = measure(turn, LoadShape(500.0, 1.0, 4.0))
    assert run.differences == 0
    assert run.behind == ""
    assert run.event_to_redis.samples == pytest.approx(2_000, abs=10)
    assert run.event_to_redis.p50 is not None
    assert 0 < run.event_to_redis.p50 < 2
