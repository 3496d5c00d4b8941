"""What drills and faults may do to a running stack, and what they raise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from pipeline.settings import Settings
from slo.disturbances.link import Link


class Bench(Protocol):
    """The running stack as drills and faults may touch it."""

    @property
    def settings(self) -> Settings:
        """Addresses and passwords of the stack."""

    def link(self, server: str) -> Link:
        """The cable between the Flink jobs and ``redis``, or another server that this stack has a link to."""

    def pids(self, service: str) -> Sequence[int]:
        """Process ids of one of the stack's services, or of the generator (``load``)."""

    def step_clock(self, seconds: float) -> None:
        """Moves the clock by which the check sees the world."""

    def end_probe(self, name: str) -> None:
        """Ends one probe for good, as if its process had died."""

    def end_event_poller(self) -> None:
        """Ends for good what times every event in Redis."""

    def stop(self, *services: str) -> None:
        """Stops services in order and waits until they are gone; nobody restarts them."""

    def start(self, *services: str) -> None:
        """Starts services that were stopped."""

    def kill_everything(self) -> None:
        """``kill -9`` of every process of the stack, its supervisor first."""

    def start_everything(self) -> None:
        """Starts the stack again; returns when it is healthy and the jobs run."""

    def command(self, *words: str) -> str:
        """Runs ``adctr`` on this stack; what it prints. Raises CommandFailed unless it ends with 0."""


class NeverBack(RuntimeError):
    """The fault was so long ago that the pipeline should be back, and it is not."""


class NotStruck(RuntimeError):
    """The fault left no trace where it must leave one, so that nothing which was measured is about it."""


class CommandFailed(RuntimeError):
    """A command of ours ended with another exit code than 0; the message has its own words."""

    def __init__(self, words: Sequence[str], code: int, said: str) -> None:
        self.code = code
        super().__init__(f"`adctr {' '.join(words)}` ended with exit code {code}: {said.strip() or 'no message'}")
