"""Waits until both jobs have processed, and flushed under a complete checkpoint, everything before an offset.

A committed offset says that a checkpoint covers the records before it, and with it that the sinks have written all
that the operators had *emitted* by then. A window's last change may still wait for its early-fire timer. Hence
two steps: the jobs pass the fixed end; the timers run off; the jobs complete a checkpoint that began after that.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pipeline.aggregations import STORE_EARLY_FIRE_MILLISECONDS
from pipeline.settings import Settings
from pipeline.topic_reader import OffsetRange
from slo.reconciliation.flink import FlinkRest, FlinkUnavailable
from slo.reconciliation.topic import Topics

GROUPS = ("adctr-live", "adctr-store")
POLL_SECONDS = 0.5
STALL_SECONDS = 60.0
_SETTLE_MARGIN_SECONDS = 1.0


class NotDrained(RuntimeError):
    """The jobs didn't reach the fixed end in time, though they move: nothing can be said yet."""


class JobsStuck(RuntimeError):
    """A job's committed offsets have not moved for a long time; the message names it and its state."""


@dataclass(frozen=True)
class Lag:
    """Records that a group has not yet covered by a checkpoint."""

    group: str
    records: int


def lag(group: str, ends: Mapping[int, OffsetRange], offsets: Mapping[int, int]) -> Lag:
    """How far a group's committed offsets are from the ends."""
    behind = (r.end - max(offsets.get(part, 0), r.start) for part, r in ends.items())
    return Lag(group, sum(max(0, missing) for missing in behind))


def wait_until_drained(
    settings: Settings,
    topics: Topics,
    ends: Mapping[int, OffsetRange],
    timeout_seconds: float,
    progress: Callable[[str], None],
) -> None:
    """Returns once both stores hold all records before the ends.

    Raises NotDrained at the timeout, JobsStuck after ``STALL_SECONDS`` without any progress, KafkaUnavailable.
    """
    deadline = time.monotonic() + timeout_seconds
    _wait(settings, topics, ends, deadline, progress)
    time.sleep(max(settings.early_fire_milliseconds, STORE_EARLY_FIRE_MILLISECONDS) / 1000 + _SETTLE_MARGIN_SECONDS)
    later = topics.ranges(settings.events_topic)
    if any(later[partition].end > ends[partition].end for partition in ends):
        _wait(settings, topics, later, deadline, progress)
    else:  # nothing comes any more, so no checkpoint can be told from another by its offsets
        time.sleep(2 * settings.checkpoint_interval_seconds)


def _wait(
    settings: Settings,
    topics: Topics,
    ends: Mapping[int, OffsetRange],
    deadline: float,
    progress: Callable[[str], None],
) -> None:
    best: tuple[int, ...] | None = None
    moved = time.monotonic()
    while True:
        lags = [lag(group, ends, topics.committed(group, settings.events_topic, ends)) for group in GROUPS]
        behind = tuple(one.records for one in lags)
        if not any(behind):
            return
        now = time.monotonic()
        if best is None or sum(behind) < sum(best):
            best, moved = behind, now
        state = ", ".join(f"{one.group} {one.records:,} records behind" for one in lags if one.records)
        progress(f"waiting for the jobs: {state}")
        if now - moved > STALL_SECONDS:
            raise JobsStuck(f"no progress for {STALL_SECONDS:.0f} s: {state}; {_job_states(settings)}")
        if now > deadline:
            raise NotDrained(f"not drained in time: {state}; allow more with --timeout")
        time.sleep(POLL_SECONDS)


def _job_states(settings: Settings) -> str:
    try:
        states = FlinkRest(settings).job_states()
    except FlinkUnavailable as error:
        return str(error)
    return "jobs: " + (", ".join(f"{name} {state}" for name, state in sorted(states.items())) or "none runs")
