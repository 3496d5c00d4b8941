"""Checkpoints of both jobs, from Flink's REST API: size, duration, and the age of the last complete one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping

from pipeline.flink_rest import RUNNING, FlinkRefused, FlinkRest
from pipeline.job_names import JOBS, flink_name
from pipeline.settings import Settings
from slo.probes.probe import NEVER, Probe, Sample
from slo.spec.model import Indicator

TIMEOUT_SECONDS = 3.0


class Checkpoints(Probe):
    """Each completed checkpoint gives one sample of size and duration, each poll one of age for each of the two jobs.

    Size is ``state_size``: everything the checkpoint stands for, not only what is new in an incremental one. Flink
    tells the last ten checkpoints (``web.checkpoints.history``), so none is missed in a poll every three seconds. A job
    that is not there, or has completed none, has an age that never came.
    """

    name = "checkpoints"
    indicators = (Indicator.CHECKPOINT_SIZE, Indicator.CHECKPOINT_DURATION, Indicator.CHECKPOINT_AGE)
    period_seconds = 3.0
    complete = True

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        self._flink = FlinkRest(settings.flink_rest_url, TIMEOUT_SECONDS)
        self._clock = clock
        self._began_ms = clock() * 1000
        self._seen: dict[str, int] = {}
        """Newest checkpoint seen, by job id: a job that is submitted again has another one."""
        self._failed: dict[str, int] = {}
        self._completed_ms: dict[str, float] = {}
        self._failures = 0

    def look(self) -> Iterable[Sample]:
        # Asked about the checkpoints of a job that is only being set up, Flink fills its log with stack traces.
        running = {job.name: job.job_id for job in self._flink.jobs() if job.state == RUNNING}
        samples: list[Sample] = []
        for job in map(flink_name, JOBS):
            if job in running:
                samples += self._completed(job, running[job])
            samples.append(self._age(job))
        return samples

    def subjects(self) -> tuple[str, ...]:
        return tuple(map(flink_name, JOBS))

    def notes(self) -> Mapping[str, float | int | str]:
        return {"checkpoints_failed": self._failures}

    def close(self) -> None:
        """Nothing to end."""

    def _completed(self, job: str, job_id: str) -> Iterator[Sample]:
        try:
            answer = self._flink.get(f"/jobs/{job_id}/checkpoints")
        except FlinkRefused:  # the job ended in between
            return
        failed = int(answer["counts"]["failed"])
        self._failures += max(0, failed - self._failed.get(job_id, failed))
        self._failed[job_id] = failed
        for row in sorted(answer["history"], key=lambda row: int(row["id"])):
            if row["status"] != "COMPLETED" or int(row["id"]) <= self._seen.get(job_id, -1):
                continue
            self._seen[job_id] = int(row["id"])
            ended_ms = float(row["latest_ack_timestamp"])
            self._completed_ms[job] = max(ended_ms, self._completed_ms.get(job, 0.0))
            if ended_ms >= self._began_ms:
                yield Sample(Indicator.CHECKPOINT_SIZE, ended_ms / 1000, float(row["state_size"]), job)
                yield Sample(Indicator.CHECKPOINT_DURATION, ended_ms / 1000, row["end_to_end_duration"] / 1000, job)

    def _age(self, job: str) -> Sample:
        now, completed_ms = self._clock(), self._completed_ms.get(job)
        return Sample(Indicator.CHECKPOINT_AGE, now, NEVER if completed_ms is None else now - completed_ms / 1000, job)
