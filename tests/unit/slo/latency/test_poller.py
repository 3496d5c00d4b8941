"""Pollers whose reader fails, breaks or is ended, with scripted readers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence

import pytest
import redis

from slo.latency.poller import MOST_BUSY, Poller
from slo.latency.sightings import CellKey

CELL: CellKey = (0, "shoes", "sports")


class Scripted:
    """Answers the n-th read (from 0, the baseline) by ``script(n)``."""

    def __init__(self, script: Callable[[int], int]) -> None:
        self._script = script
        self.reads = 0
        self.closed = False
        self.enough = threading.Event()

    def read(self, windows: Sequence[int]) -> tuple[float, list[tuple[CellKey, int]]]:  # noqa: ARG002
        number, self.reads = self.reads, self.reads + 1
        if self.reads > 5:
            self.enough.set()
        return time.time(), [(CELL, self._script(number))]

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def started() -> Iterator[Callable[[Scripted], Poller]]:
    pollers: list[Poller] = []

    def start(reader: Scripted) -> Poller:
        pollers.append(Poller(reader, 0.005))
        pollers[-1].start()
        return pollers[-1]

    yield start
    for poller in pollers:
        poller.stop()


def test_a_poller_that_looks_to_the_end_is_not_void(started: Callable[[Scripted], Poller]) -> None:
    reader = Scripted(lambda number: number)
    poller = started(reader)
    assert reader.enough.wait(5)
    poller.stop()
    assert (poller.void(time.time()), poller.failed_looks, reader.closed) == ("", 0, True)
    assert poller.recorder.counted == reader.reads - 1


def test_a_poller_that_ended_long_before_voids_what_it_saw(started: Callable[[Scripted], Poller]) -> None:
    """It saw events, and 30 s of nothing: what came then is not late, nobody looked."""
    reader = Scripted(lambda number: number)
    poller = started(reader)
    assert reader.enough.wait(5)
    poller.stop()
    assert not poller.running
    assert poller.void(time.time() + 30) == "poller-Scripted got no answer in the last 30 s"


def test_looks_that_take_long_come_less_often(started: Callable[[Scripted], Poller]) -> None:
    """The store has other things to do."""

    def script(number: int) -> int:
        time.sleep(0.02)
        return number

    reader = Scripted(script)
    poller = started(reader)
    assert reader.enough.wait(5)
    poller.stop()
    assert min(poller.recorder.intervals()) >= 0.02 / MOST_BUSY


def test_a_service_that_is_gone_until_the_end_voids_too(started: Callable[[Scripted], Poller]) -> None:
    """Every poll fails from the third on; they are counted, and the poller goes on."""

    def script(number: int) -> int:
        if number > 2:
            raise redis.ConnectionError("nobody there")
        return number

    reader = Scripted(script)
    poller = started(reader)
    assert reader.enough.wait(5)
    assert poller.running
    assert poller.failed_looks >= 2
    assert poller.void(time.time()) == ""
    assert "got no answer in the last" in poller.void(time.time() + 11)


def test_a_bug_does_not_end_a_poller_in_silence(
    started: Callable[[Scripted], Poller], caplog: pytest.LogCaptureFixture
) -> None:
    reader = Scripted(lambda number: 1 // (1 - number))
    poller = started(reader)
    deadline = time.monotonic() + 5
    while poller.running and time.monotonic() < deadline:
        time.sleep(0.005)
    assert not poller.running
    assert poller.void(time.time()).startswith("poller-Scripted failed: ZeroDivisionError: ")
    assert "Traceback" in caplog.text
