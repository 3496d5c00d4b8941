"""Tells from Flink's REST API whether a job fails because a checkpoint can't be restored, and which one it is.

A job whose tasks can't read their state is RESTARTING forever: to Flink that is a failure like any other, and it goes
back to the same checkpoint each time. A sink's outage, a TaskManager's death or a full network fails tasks as well,
and says nothing about the checkpoint. What tells them apart is where the exception comes from:

- `StreamTaskStateInitializerImpl` wraps whatever goes wrong while a task's state is read, and nothing else;
- `Checkpoints` and `CheckpointCoordinator` are what reads ``_metadata`` in the JobManager.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

MARKS = (
    "Exception while creating StreamOperatorStateContext",
    "org.apache.flink.runtime.checkpoint.Checkpoints.",
    "org.apache.flink.runtime.checkpoint.CheckpointCoordinator.restore",
    "AbstractFsCheckpointStorageAccess.resolveCheckpoint",
)


@dataclass(frozen=True)
class RestoreFailures:
    """The newest failures of a job that are failures to restore, one after the other; ``reason`` is the newest's."""

    count: int
    checkpoint: Path | None
    reason: str


def is_restore_failure(stack_trace: str) -> bool:
    """Whether an exception of a job comes from reading a checkpoint."""
    return any(mark in stack_trace for mark in MARKS)


def restore_failures(exceptions: Mapping[str, Any], checkpoints: Mapping[str, Any]) -> RestoreFailures:
    """From Flink's answers to ``/jobs/:id/exceptions`` and ``/jobs/:id/checkpoints``."""
    entries: Sequence[Mapping[str, Any]] = exceptions.get("exceptionHistory", {}).get("entries", [])
    newest_first = sorted(entries, key=lambda entry: -int(entry["timestamp"]))
    traces = [str(entry.get("stacktrace", "")) for entry in newest_first]
    count = next((at for at, trace in enumerate(traces) if not is_restore_failure(trace)), len(traces))
    restored = (checkpoints.get("latest") or {}).get("restored") or {}
    path = restored.get("external_path")
    return RestoreFailures(count, None if not path else local_path(str(path)), root_cause(traces[0]) if count else "")


def local_path(uri: str) -> Path:
    """The path that a ``file:`` URI of Flink names."""
    return Path(unquote(urlsplit(uri).path))


def root_cause(stack_trace: str) -> str:
    """The last exception of the chain, in one line."""
    lines = stack_trace.splitlines()
    causes = [line.removeprefix("Caused by: ") for line in lines if line.startswith("Caused by: ")]
    return (causes[-1] if causes else lines[0] if lines else "").strip()
