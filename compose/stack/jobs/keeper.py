"""Keeps the Flink jobs running: ``python -m compose.stack.jobs.keeper``, one of the stack's processes.

Flink restarts a job whose task or TaskManager fails. What it cannot do without a high-availability service is remember
jobs when its JobManager dies. This process does: whenever a job is missing it is submitted from its newest complete
checkpoint, which covers the first start, a killed JobManager and ``down`` followed by ``up`` in one way.

Nor does Flink pass a checkpoint over that can't be restored: it tries the same one forever. This process cancels such
a job and submits it from the next older checkpoint. Where none is left it starts nothing: `pipeline.job_report` says
what is the matter, and the user decides.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from compose.stack.java.jvm import JAVA
from compose.stack.jobs.checkpoints import complete_checkpoints, remove_predecessors
from compose.stack.jobs.restoring import RestoreFailures, restore_failures
from compose.stack.jobs.start_gate import StartGate
from compose.stack.services.flink import CLIENT_ARGUMENTS
from pipeline.flink_rest import ENDED, FlinkJob, FlinkRest, FlinkUnavailable
from pipeline.incidents import start_recording
from pipeline.job_names import JOBS, flink_name
from pipeline.settings import Settings

LOG = logging.getLogger("adctr.jobs")

POLL_SECONDS = 1.0
SUBMIT_TIMEOUT_SECONDS = 180.0
RETAINED_CHECKPOINTS = 3
RESTORE_ATTEMPTS = 2
TOPIC_SECONDS = 10.0
"""How often a running job's topic is looked at."""


@dataclass
class Keeper:
    """Compares what runs with what should and submits what is missing."""

    settings: Settings
    attempts: dict[Path, int] = field(default_factory=dict)
    """How often a job failed that was to resume from a checkpoint."""
    submitted: dict[str, Path] = field(default_factory=dict)
    """The checkpoint that a job was last submitted from, by Flink's name of the job."""
    known_failures: set[str] = field(default_factory=set)
    cancelled: set[str] = field(default_factory=set)
    """Ids of the jobs that are being cancelled because of their checkpoint."""
    topic_asked: float = 0.0
    client: subprocess.Popen[bytes] | None = None
    client_deadline: float = 0.0
    gate: StartGate = field(init=False)
    flink: FlinkRest = field(init=False)

    def __post_init__(self) -> None:
        self.gate = StartGate.of(self.settings)
        self.flink = FlinkRest(self.settings.flink_rest_url)

    def tick(self) -> None:
        """One poll of the cluster. Raises FlinkUnavailable while the JobManager does not answer."""
        jobs = self.flink.every_job()
        self.note_failures(jobs)
        missing = []
        for job in JOBS:
            active = active_jobs(jobs, flink_name(job))
            for surplus in active[1:]:
                LOG.warning("job %s runs twice; cancelling %s", job, surplus.job_id)
                self.flink.cancel(surplus.job_id)
            if not active:
                missing.append(job)
            elif active[0].settled:
                self.gate.accepted.discard(job)
                self.tidy(job, active[0].job_id)
            elif active[0].job_id not in self.cancelled:
                self.watch_restoring(job, active[0])
        self.watch_topic(jobs)
        if self.client_is_busy():
            return
        startable = [job for job in missing if self.may_start(job)]
        if startable:
            self.submit(startable)

    def watch_restoring(self, job: str, row: FlinkJob) -> None:
        """Cancels a job that has failed again and again to restore the same checkpoint."""
        found = self.failures_of(row.job_id)
        if found.count < RESTORE_ATTEMPTS:
            return
        self.pass_over(job, found)
        self.give_up(row)

    def watch_topic(self, jobs: Iterable[FlinkJob]) -> None:
        """Cancels a job whose topic is another one now, or that fails because its next records are gone."""
        if time.monotonic() - self.topic_asked < TOPIC_SECONDS:
            return
        self.topic_asked = time.monotonic()
        for job in JOBS:
            for row in active_jobs(jobs, flink_name(job)):
                if row.job_id not in self.cancelled and (
                    self.gate.is_another_topic(job) or (not row.settled and self.gate.has_lost_records(job))
                ):
                    LOG.error("%s can't go on: its topic is another one, or has lost records; cancelling it", job)
                    self.give_up(row)

    def give_up(self, row: FlinkJob) -> None:
        """Cancels a job, once."""
        self.cancelled.add(row.job_id)
        self.flink.cancel(row.job_id)

    def failures_of(self, job_id: str) -> RestoreFailures:
        """A job's newest failures, as far as they are failures to restore."""
        exceptions = self.flink.get(f"/jobs/{job_id}/exceptions?maxExceptions=16")
        found = restore_failures(exceptions, {})
        # Asked about the checkpoints of a job that is only being set up, Flink fills its log with stack traces.
        return restore_failures(exceptions, self.flink.get(f"/jobs/{job_id}/checkpoints")) if found.count else found

    def pass_over(self, job: str, found: RestoreFailures) -> None:
        """The next submission is from an older checkpoint than the one that can't be restored."""
        checkpoint = found.checkpoint or self.submitted.get(flink_name(job))
        if checkpoint is None:
            return
        self.attempts[checkpoint] = RESTORE_ATTEMPTS
        LOG.warning(
            "%s: checkpoint %s can't be restored (%s); going on from an older one", job, checkpoint, found.reason
        )
        self.gate.passed_over(job, checkpoint)

    def may_start(self, job: str) -> bool:
        """Whether there is something to start a job from; `adctr status` says why not where there is nothing."""
        checkpoints = complete_checkpoints(self.job_dir(job))
        allowed = self.gate.may_start(job, checkpoints, self.restore_point(job))
        if not allowed and checkpoints and self.restore_point(job) is None:
            # When it is asked again they are tried again: they may be back.
            self.attempts = {path: n for path, n in self.attempts.items() if path not in checkpoints}
        return allowed

    def tidy(self, job: str, job_id: str) -> None:
        """Removes the checkpoints of earlier submissions when they are no longer needed."""
        job_dir = self.job_dir(job)
        if job_dir.is_dir():
            for path in remove_predecessors(job_dir, job_id, RETAINED_CHECKPOINTS):
                LOG.info("removed the checkpoints of an earlier submission: %s", path)

    def job_dir(self, job: str) -> Path:
        """Where a job's checkpoints lie."""
        return Path(self.settings.checkpoint_dir) / job

    def restore_point(self, job: str) -> Path | None:
        """The checkpoint to resume from: the newest, or an older one after the newest failed to restore.

        None where there is none, or none that can be restored: see `may_start`.
        """
        checkpoints = complete_checkpoints(self.job_dir(job))
        return next((each for each in checkpoints if self.attempts.get(each, 0) < RESTORE_ATTEMPTS), None)

    def note_failures(self, jobs: Iterable[FlinkJob]) -> None:
        """Counts against a checkpoint only what the cluster took and then gave up.

        A client that found no JobManager says nothing about the checkpoint: an older one would only be more to replay.
        """
        for job in jobs:
            if job.state == "FAILED" and job.job_id not in self.known_failures:
                self.known_failures.add(job.job_id)
                checkpoint = self.submitted.pop(job.name, None)
                if checkpoint is not None:
                    self.note_failure(job, checkpoint)

    def note_failure(self, job: FlinkJob, checkpoint: Path) -> None:
        """A job that Flink gave up: once is enough where its checkpoint could not be read."""
        self.attempts[checkpoint] = self.attempts.get(checkpoint, 0) + 1
        LOG.warning("job %s failed after it was to resume from %s", job.name, checkpoint)
        try:
            found = self.failures_of(job.job_id)
        except FlinkUnavailable as error:
            LOG.info("Flink does not say why: %s", error)
            return
        if found.count or self.attempts[checkpoint] >= RESTORE_ATTEMPTS:
            name = next(each for each in JOBS if flink_name(each) == job.name)
            self.pass_over(name, replace(found, checkpoint=checkpoint))

    def submit(self, jobs: Iterable[str]) -> None:
        """Lets one Flink client submit jobs. One that fails is tried again at a later tick."""
        arguments = []
        for job in jobs:
            checkpoint = self.restore_point(job)
            if checkpoint:
                self.submitted[flink_name(job)] = checkpoint
            LOG.info("submitting %s from %s", job, checkpoint or "the beginning of the topic")
            arguments.append(f"{job}={checkpoint}" if checkpoint else job)
            arguments += [f"--accept-loss={job}"] if job in self.gate.accepted else []
            if checkpoint and complete_checkpoints(self.job_dir(job))[:1] != [checkpoint]:
                arguments.append(f"--rewind={job}")
        command = client_command(Path(os.environ["FLINK_CONF_DIR"]), arguments)
        self.client = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        self.client_deadline = time.monotonic() + SUBMIT_TIMEOUT_SECONDS

    def client_is_busy(self) -> bool:
        """Whether Flink's client is still submitting; it takes seconds, and jobs are watched meanwhile."""
        if self.client is None:
            return False
        code = self.client.poll()
        if code is None and time.monotonic() > self.client_deadline:
            LOG.warning("Flink's client did not end within %.0f s; trying again", SUBMIT_TIMEOUT_SECONDS)
            self.client.kill()
            self.client.wait()
        elif code is None:
            return True
        elif code != 0:
            LOG.warning("Flink's client ended with exit code %d; trying again", code)
        self.client = None
        return False


def active_jobs(jobs: Iterable[FlinkJob], name: str) -> list[FlinkJob]:
    """The jobs of a name that have not ended, running ones first, then the oldest first."""
    active = [job for job in jobs if job.name == name and job.state not in ENDED]
    return sorted(active, key=lambda job: (job.state != "RUNNING", job.started_ms))


def client_command(conf_dir: Path, arguments: list[str]) -> list[str]:
    """Flink's client of the stack with this configuration, for ``pipeline/job.py`` with the given jobs."""
    import pipeline

    script = Path(pipeline.__file__).with_name("job.py")
    python = ["-pyclientexec", sys.executable, "-pyexec", sys.executable]
    client = [str(JAVA), f"@{conf_dir / CLIENT_ARGUMENTS}"]
    return [*client, "run", "--detached", *python, "-py", str(script), *arguments]


def main() -> None:
    """Runs until it is stopped."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    settings = Settings.from_env(os.environ)
    start_recording(settings)
    keeper = Keeper(settings)
    while True:
        try:
            keeper.tick()
        except FlinkUnavailable as error:
            LOG.info("the JobManager does not answer: %s", error)
        time.sleep(POLL_SECONDS)


if __name__ == "__main__":
    main()
