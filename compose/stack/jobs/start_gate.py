"""Decides whether a job may be started, says why not, and keeps the report of it (`pipeline.job_report`).

A job never starts over, and never goes on behind a gap, unless the user has accepted it with `adctr up --accept-loss`.
"""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from compose.stack.jobs.topic_loss import Problem, TopicUnknown, TopicWatch
from compose.stack.layout import Layout
from pipeline.job_names import JOBS, STORE
from pipeline.job_report import NOTHING, JobReport, reports_of, write_reports
from pipeline.settings import Settings

LOG = logging.getLogger("adctr.jobs")

BLOCKED_SECONDS = 60.0
"""How long a job is left alone that can't be started: a disk may come back."""
SET_ASIDE = "set-aside"


@dataclass
class StartGate:
    """What the keeper asks before it starts a job, and while one runs."""

    settings: Settings
    topic: TopicWatch
    reports: dict[str, JobReport] = field(default_factory=dict)
    accepted: set[str] = field(default_factory=set)
    """The jobs that may start without what is lost."""
    blocked_until: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: Settings) -> StartGate:
        """With the reports of earlier keepers; whether a job is blocked now is for this one to find out."""
        gate = cls(settings, TopicWatch(settings))
        gate.reports = {job: replace(each, blocked=None) for job, each in reports_of(settings).items()}
        write_reports(settings.checkpoint_dir, gate.reports)
        layout = Layout.of(Path(os.environ.get("ADCTR_DATA_DIR", "data")))
        if layout.accept_loss.exists():
            layout.accept_loss.unlink()
            gate.accepted = set(JOBS)
        if layout.reread_store.exists():
            gate._set_aside(STORE)
            gate.accepted.add(STORE)
            layout.reread_store.unlink()
        return gate

    def may_start(self, job: str, checkpoints: Sequence[Path], restore_point: Path | None) -> bool:
        """Whether a job with these checkpoints, newest first, may start from its restore point, or from nothing.

        After a refusal the answer is the same for `BLOCKED_SECONDS`.
        """
        if time.monotonic() < self.blocked_until.get(job, 0.0):
            return False
        try:
            state = self.topic.state()
            problem = self._unrestorable(job, checkpoints) if checkpoints and restore_point is None else None
            known = self.report_of(job).topic_id
            problem = problem or self.topic.problem(job, known, state, has_checkpoint=bool(checkpoints))
        except TopicUnknown as error:
            # The source itself fails where its next record is gone; a job must not wait for what may never be answered.
            sure = restore_point is not None or (not checkpoints and self.report_of(job).topic_id is None)
            LOG.info("%s is %s: %s", job, "started without looking at its topic" if sure else "not started yet", error)
            return sure
        if problem is not None and not self._is_accepted(job, problem):
            LOG.error("%s is not started: %s", job, problem.text)
            self.blocked_until[job] = time.monotonic() + BLOCKED_SECONDS
            self.report(job, replace(self.report_of(job), blocked=problem.text))
            return False
        if problem is not None:
            self._accept(job, problem)
        self.report(job, replace(self.report_of(job), blocked=None, topic_id=state.topic_id))
        return True

    def is_another_topic(self, job: str) -> bool:
        """Whether the topic was recreated since the job was started; no while Kafka does not answer."""
        known = self.report_of(job).topic_id
        try:
            return known is not None and self.topic.topic_id() != known
        except TopicUnknown:
            return False

    def has_lost_records(self, job: str) -> bool:
        """Whether a job that does not get on can't go on either; no while Kafka does not answer.

        A loss that was accepted still shows in the committed offsets until the job completes a checkpoint.
        """
        try:
            known, state = self.report_of(job).topic_id, self.topic.state()
            problem = self.topic.problem(job, known, state, has_checkpoint=True)
            return problem is not None and not self._is_accepted(job, problem)
        except TopicUnknown:
            return False

    def passed_over(self, job: str, checkpoint: Path) -> None:
        """Notes a checkpoint that could not be restored."""
        report = self.report_of(job)
        if str(checkpoint) not in report.passed_over:
            self.report(job, replace(report, passed_over=(*report.passed_over, str(checkpoint))))

    def report_of(self, job: str) -> JobReport:
        """What is reported about a job."""
        return self.reports.get(job, NOTHING)

    def report(self, job: str, report: JobReport) -> None:
        """Writes what has changed about a job."""
        if self.report_of(job) != report:
            self.reports[job] = report
            write_reports(self.settings.checkpoint_dir, self.reports)

    def _unrestorable(self, job: str, checkpoints: Sequence[Path]) -> Problem:
        return Problem(
            f"none of its {len(checkpoints)} checkpoints below {self._job_dir(job)} can be restored, the newest is "
            f"{checkpoints[0].name}. Put back a copy of one and start it again, or drop its state: "
            "`adctr up --accept-loss` counts all that the topic still has",
            anew=True,
        )

    def _is_accepted(self, job: str, problem: Problem) -> bool:
        known = bool(problem.lost) and set(problem.lost) <= set(self.report_of(job).lost)
        return job in self.accepted or known

    def _accept(self, job: str, problem: Problem) -> None:
        self.accepted.add(job)
        LOG.warning("%s starts all the same, as was accepted: %s", job, problem.text)
        report = self.report_of(job)
        # Where Flink's client fails, the job is started again: the same records are not lost twice.
        lost = {(each.partition, each.start): each for each in (*report.lost, *problem.lost)}
        self.report(job, replace(report, lost=tuple(lost.values())))
        if problem.anew:
            self._set_aside(job)

    def _set_aside(self, job: str) -> None:
        """Moves a job's checkpoints to where no later start finds them, and nobody misses them either."""
        if self._job_dir(job).exists():
            target = Path(self.settings.checkpoint_dir) / SET_ASIDE / f"{job}-{time.time():.0f}"
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(self._job_dir(job), target)
            LOG.warning("the checkpoints of %s are in %s", job, target)

    def _job_dir(self, job: str) -> Path:
        return Path(self.settings.checkpoint_dir) / job
