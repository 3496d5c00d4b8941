"""Keeps the Flink jobs running: ``python -m compose.stack.jobs.keeper``, one of the stack's processes.

Flink restarts a job whose task or TaskManager fails. What it cannot do without a high-availability service is remember
jobs when its JobManager dies. This process does: whenever a job is missing it is submitted from its newest complete
checkpoint, which covers the first start, a killed JobManager and ``down`` followed by ``up`` in one way.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import requests

from compose.stack.java.jvm import JAVA
from compose.stack.jobs.checkpoints import complete_checkpoints, remove_predecessors
from compose.stack.services.flink import CLIENT_ARGUMENTS
from pipeline.job_names import JOBS, flink_name
from pipeline.settings import Settings

LOG = logging.getLogger("adctr.jobs")

POLL_SECONDS = 1.0
REST_TIMEOUT_SECONDS = 5.0
SUBMIT_TIMEOUT_SECONDS = 180.0
RETAINED_CHECKPOINTS = 3
RESTORE_ATTEMPTS = 2
ENDED = frozenset({"FINISHED", "CANCELED", "FAILED"})


@dataclass(frozen=True)
class FlinkJob:
    """One row of Flink's job overview."""

    job_id: str
    name: str
    state: str
    started_ms: int


@dataclass
class Keeper:
    """Compares what runs with what should and submits what is missing."""

    settings: Settings
    attempts: dict[Path, int] = field(default_factory=dict)
    """How often a job failed that was to resume from a checkpoint."""
    submitted: dict[str, Path] = field(default_factory=dict)
    """The checkpoint that a job was last submitted from, by Flink's name of the job."""
    known_failures: set[str] = field(default_factory=set)

    def tick(self) -> None:
        """One look at the cluster. Raises requests.RequestException while the JobManager does not answer."""
        jobs = self.overview()
        self.note_failures(jobs)
        missing = []
        for job in JOBS:
            active = active_jobs(jobs, flink_name(job))
            for surplus in active[1:]:
                LOG.warning("job %s runs twice; cancelling %s", job, surplus.job_id)
                self.cancel(surplus.job_id)
            if not active:
                missing.append(job)
            elif active[0].state == "RUNNING":
                self.tidy(job, active[0].job_id)
        if missing:
            self.submit(missing)

    def overview(self) -> list[FlinkJob]:
        """Every job that the JobManager knows."""
        answer = requests.get(f"{self.settings.flink_rest_url}/jobs/overview", timeout=REST_TIMEOUT_SECONDS)
        answer.raise_for_status()
        return [FlinkJob(row["jid"], row["name"], row["state"], row["start-time"]) for row in answer.json()["jobs"]]

    def cancel(self, job_id: str) -> None:
        """Asks Flink to cancel a job; its checkpoints are retained."""
        url = f"{self.settings.flink_rest_url}/jobs/{job_id}?mode=cancel"
        requests.patch(url, timeout=REST_TIMEOUT_SECONDS).raise_for_status()

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

        None only where there is none at all: a job that lost its state on the way must not start over unnoticed.
        """
        checkpoints = complete_checkpoints(self.job_dir(job))
        for checkpoint in checkpoints:
            if self.attempts.get(checkpoint, 0) < RESTORE_ATTEMPTS:
                return checkpoint
        self.attempts.clear()
        return checkpoints[0] if checkpoints else None

    def note_failures(self, jobs: Iterable[FlinkJob]) -> None:
        """Counts against a checkpoint only what the cluster took and then gave up.

        A client that found no JobManager says nothing about the checkpoint: an older one would only be more to replay.
        """
        for job in jobs:
            if job.state == "FAILED" and job.job_id not in self.known_failures:
                self.known_failures.add(job.job_id)
                checkpoint = self.submitted.pop(job.name, None)
                if checkpoint is not None:
                    self.attempts[checkpoint] = self.attempts.get(checkpoint, 0) + 1
                    LOG.warning("job %s failed after it was to resume from %s", job.name, checkpoint)

    def submit(self, jobs: Iterable[str]) -> None:
        """Submits jobs through one Flink client. A client that fails is tried again at the next tick."""
        arguments = []
        for job in jobs:
            checkpoint = self.restore_point(job)
            if checkpoint:
                self.submitted[flink_name(job)] = checkpoint
            LOG.info("submitting %s from %s", job, checkpoint or "the beginning of the topic")
            arguments.append(f"{job}={checkpoint}" if checkpoint else job)
        try:
            client = subprocess.run(
                client_command(Path(os.environ["FLINK_CONF_DIR"]), arguments),
                stdin=subprocess.DEVNULL,
                timeout=SUBMIT_TIMEOUT_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            LOG.warning("Flink's client did not end within %.0f s; trying again", SUBMIT_TIMEOUT_SECONDS)
            return
        if client.returncode != 0:
            LOG.warning("Flink's client ended with exit code %d; trying again", client.returncode)


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
    keeper = Keeper(Settings.from_env(os.environ))
    while True:
        try:
            keeper.tick()
        except requests.RequestException as error:
            LOG.info("the JobManager does not answer: %s", error)
        time.sleep(POLL_SECONDS)


if __name__ == "__main__":
    main()
