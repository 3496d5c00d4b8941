"""Waits until both jobs have processed, and flushed under a complete checkpoint, everything before an offset.

A committed offset says that a checkpoint covers the records before it, and with it that the sinks have written all
that the operators had *emitted* by then. A window's last change may still wait for its early-fire timer. Hence
two steps: the jobs pass the fixed end; the timers run off; the jobs complete a checkpoint that began after that.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from pipeline.aggregations import STORE_EARLY_FIRE_MILLISECONDS
from pipeline.flink_rest import CheckpointNumbers, FlinkRest, FlinkUnavailable
from pipeline.job_names import JOBS, flink_name
from pipeline.job_report import reports_of
from pipeline.settings import Settings
from pipeline.topic_reader import KafkaUnavailable, OffsetRange
from slo.reconciliation.topic import Topics

GROUPS = tuple(map(flink_name, JOBS))
POLL_SECONDS = 0.5
STALL_SECONDS = 60.0
_SETTLE_MARGIN_SECONDS = 1.0
Found = TypeVar("Found")


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

    Raises NotDrained at the timeout, JobsStuck after ``STALL_SECONDS`` without any progress, KafkaUnavailable,
    FlinkUnavailable.
    """
    deadline = time.monotonic() + timeout_seconds
    _wait(settings, topics, ends, deadline, progress)
    time.sleep(max(settings.early_fire_milliseconds, STORE_EARLY_FIRE_MILLISECONDS) / 1000 + _SETTLE_MARGIN_SECONDS)
    _wait_for_checkpoints(settings, deadline, progress)


def _wait_for_checkpoints(settings: Settings, deadline: float, progress: Callable[[str], None]) -> None:
    """Until each job has completed a checkpoint that it begins from now on, whether or not records come meanwhile."""
    flink = FlinkRest(settings.flink_rest_url)
    before, began = answer(flink.checkpoints, progress, deadline), time.monotonic()
    while waiting := without_new_checkpoint(before, answer(flink.checkpoints, progress, deadline)):
        state = f"no checkpoint of {', '.join(waiting)} since the last record"
        progress(f"waiting for the jobs: {state}")
        if time.monotonic() > deadline:
            raise NotDrained(f"not drained in time: {state}; allow more with --timeout")
        if time.monotonic() - began > STALL_SECONDS:
            raise JobsStuck(f"{state} for {STALL_SECONDS:.0f} s; {_job_states(settings)}")
        time.sleep(POLL_SECONDS)


def without_new_checkpoint(before: Mapping[str, CheckpointNumbers], now: Mapping[str, CheckpointNumbers]) -> list[str]:
    """The jobs without a complete checkpoint that was begun after ``before``; by number, as no two clocks are equal."""
    nothing = CheckpointNumbers(0, 0)
    return [job for job in GROUPS if now.get(job, nothing).complete <= before.get(job, nothing).begun]


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
        asked = (partial(topics.committed, group, settings.events_topic, ends) for group in GROUPS)
        lags = [lag(group, ends, answer(ask, progress, deadline)) for group, ask in zip(GROUPS, asked, strict=True)]
        behind = tuple(one.records for one in lags)
        if not any(behind):
            return
        now = time.monotonic()
        if best is None or sum(behind) < sum(best):
            best, moved = behind, now
        state = ", ".join(f"{one.group} {one.records:,} records behind" for one in lags if one.records)
        progress(f"waiting for the jobs: {state}")
        blocked = {job: each.blocked for job, each in reports_of(settings).items() if each.blocked}
        if blocked:
            raise JobsStuck("; ".join(f"job {job} is not started: {why}" for job, why in sorted(blocked.items())))
        if now - moved > STALL_SECONDS:
            raise JobsStuck(f"no progress for {STALL_SECONDS:.0f} s: {state}; {_job_states(settings)}")
        if now > deadline:
            raise NotDrained(f"not drained in time: {state}; allow more with --timeout")
        time.sleep(POLL_SECONDS)


def answer(ask: Callable[[], Found], progress: Callable[[str], None], deadline: float = math.inf) -> Found:
    """What Kafka or Flink says: one that is silent for a moment, as on a busy machine, is asked again.

    Raises KafkaUnavailable or FlinkUnavailable after ``STALL_SECONDS`` without an answer, or at the deadline.
    """
    last = min(deadline, time.monotonic() + STALL_SECONDS)
    while True:
        try:
            return ask()
        except (KafkaUnavailable, FlinkUnavailable) as error:
            if time.monotonic() > last:
                raise
            progress(f"waiting for an answer: {error}")
        time.sleep(POLL_SECONDS)


def _job_states(settings: Settings) -> str:
    try:
        states = {job.name: job.state for job in FlinkRest(settings.flink_rest_url).jobs()}
    except FlinkUnavailable as error:
        return str(error)
    return "jobs: " + (", ".join(f"{name} {state}" for name, state in sorted(states.items())) or "none runs")
