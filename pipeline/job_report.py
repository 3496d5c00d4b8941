"""What the job keeper has to report about each job, in a file beside the checkpoints: for `status`, metrics, `verify`.

The keeper alone writes it. It outlives the keeper and the stack, so that a reader who was absent misses nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pipeline.settings import Settings

FILE = "keeper.json"


@dataclass(frozen=True)
class Lost:
    """Records of one partition that a job never read and never will: offsets ``start`` to ``end``, exclusive."""

    partition: int
    start: int
    end: int

    @property
    def records(self) -> int:
        """Offsets in the range; markers of transactions are among them."""
        return self.end - self.start


@dataclass(frozen=True)
class JobReport:
    """``blocked`` says why the job is not started and what to do; None: nothing keeps it."""

    blocked: str | None = None
    passed_over: tuple[str, ...] = ()
    """Paths of the checkpoints that could not be restored, oldest first."""
    lost: tuple[Lost, ...] = field(default=())
    """What was accepted as lost."""
    topic_id: str | None = None
    """Kafka's id of the topic that the job reads."""

    @property
    def lost_records(self) -> int:
        """Records that the job has never read, all partitions together."""
        return sum(each.records for each in self.lost)


NOTHING = JobReport()


def read_reports(checkpoint_dir: str) -> dict[str, JobReport]:
    """The report of each job by its name; none where the directory is not on this machine or no keeper has run."""
    if "://" in checkpoint_dir:
        return {}
    try:
        document = json.loads((Path(checkpoint_dir) / FILE).read_text(encoding="utf-8"))
        return {job: _report(values) for job, values in document.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def reports_of(settings: Settings) -> dict[str, JobReport]:
    """The same for a stack's settings."""
    return read_reports(settings.checkpoint_dir)


def report_time(checkpoint_dir: str) -> float:
    """When the keeper last wrote, unix seconds; 0 if it never did, or not on this machine."""
    if "://" in checkpoint_dir:
        return 0.0
    try:
        return (Path(checkpoint_dir) / FILE).stat().st_mtime
    except OSError:
        return 0.0


def write_reports(checkpoint_dir: str, reports: Mapping[str, JobReport]) -> None:
    """Replaces the file at once; does nothing where the directory is not on this machine."""
    if "://" in checkpoint_dir:
        return
    path = Path(checkpoint_dir) / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{FILE}.new")
    temporary.write_text(json.dumps({job: asdict(each) for job, each in reports.items()}, indent=2), encoding="utf-8")
    temporary.replace(path)


def _report(values: Mapping[str, Any]) -> JobReport:
    return JobReport(
        blocked=values["blocked"],
        passed_over=tuple(values["passed_over"]),
        lost=tuple(Lost(**each) for each in values["lost"]),
        topic_id=values["topic_id"],
    )
