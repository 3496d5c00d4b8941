"""One drain of a full topic by any contender, and waiting for its end."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import psutil

from slo.bench.expected_counts import CountWatch

LOOK_SECONDS = 0.1
STALL_SECONDS = 120.0

Say = Callable[[str], None]


class DrainFailed(RuntimeError):
    """A contender stopped before the end."""


@dataclass(frozen=True)
class DrainRun:
    """One drain. ``differences`` are cells in Redis that are not as they must be; memory is None where not measured."""

    contender: str
    events: int
    wall_seconds: float
    cpu_seconds: float
    differences: int
    peak_memory_bytes: int | None = None

    @property
    def events_per_second(self) -> float:
        """Of wall time."""
        return self.events / self.wall_seconds

    @property
    def events_per_cpu_second(self) -> float:
        """Of CPU time, the broker's and Redis's excluded."""
        return self.events / self.cpu_seconds

    def as_json(self) -> dict[str, Any]:
        """All figures of the run."""
        figures = asdict(self)
        if self.peak_memory_bytes is None:
            del figures["peak_memory_bytes"]
        rates = {"events_per_second": self.events_per_second, "events_per_cpu_second": self.events_per_cpu_second}
        return {**figures, **rates, "exact": self.differences == 0}


def median(runs: Iterable[DrainRun], contender: str, figure: str) -> float:
    """Median of one figure over the runs of one contender."""
    values: list[float] = [getattr(run, figure) for run in runs if run.contender == contender]
    return statistics.median(values)


def until_counted(
    watch: CountWatch, events: int, contender: str, processes: Sequence[psutil.Process]
) -> tuple[float, int]:
    """When at least so many events stood in Redis (unix seconds), and how many.

    Raises DrainFailed if nothing moves any more, or all of the contender's ``processes`` have ended before.
    """
    moved_at, before = time.monotonic(), -1
    while True:
        gone = all_ended(processes)
        at, counted = watch.look()
        if counted >= events:
            return at, counted
        of_all = f"{counted:,} of {watch.expected.events:,} events"
        if gone:
            raise DrainFailed(f"{contender} ended at {of_all}; its message is above")
        if counted != before:
            moved_at, before = time.monotonic(), counted
        elif time.monotonic() - moved_at > STALL_SECONDS:
            raise DrainFailed(f"{contender} stopped at {of_all}")
        time.sleep(LOOK_SECONDS)


def all_ended(processes: Iterable[psutil.Process]) -> bool:
    """Whether none of them runs any more."""
    return all(map(_has_ended, processes))


def _has_ended(process: psutil.Process) -> bool:
    """Also while nobody has asked for its exit code."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
