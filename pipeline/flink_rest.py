"""The client of Flink's REST API: jobs, checkpoints, TaskManagers, rows dropped as late."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import requests

TIMEOUT_SECONDS = 5.0
METRICS_SECONDS = 15.0
METRICS_POLL_SECONDS = 0.5
LATE_DROPS = "numLateRecordsDropped"


RUNNING = "RUNNING"
ENDED = frozenset({"FINISHED", "CANCELED", "FAILED"})


class FlinkUnavailable(ConnectionError):
    """Flink's REST API doesn't answer; the message names the address."""


class FlinkRefused(FlinkUnavailable):
    """It answered with an error, as it does about a job that has ended."""


@dataclass(frozen=True)
class FlinkJob:
    """One row of Flink's job overview. Flink calls a job RUNNING whose tasks wait; ``settled``: all of them run."""

    job_id: str
    name: str
    state: str
    started_ms: int
    settled: bool = True

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> FlinkJob:
        """From Flink's answer."""
        tasks = row["tasks"]
        settled = row["state"] == RUNNING and tasks["running"] == tasks["total"]
        return cls(row["jid"], row["name"], row["state"], row["start-time"], settled)


@dataclass(frozen=True)
class CheckpointNumbers:
    """Numbers of a job's checkpoints, which only rise: the newest that was begun, and the newest complete one."""

    begun: int
    complete: int


class FlinkRest:
    """Flink at ``url``. Every method raises FlinkUnavailable; FlinkRefused where Flink answers with an error."""

    def __init__(self, url: str, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._url, self._timeout_seconds = url, timeout_seconds

    def every_job(self) -> list[FlinkJob]:
        """The jobs that the JobManager knows, ended ones included."""
        return [FlinkJob.of(row) for row in self.get("/jobs/overview")["jobs"]]

    def jobs(self, name: str | None = None) -> list[FlinkJob]:
        """The jobs that have not ended; of one name, if one is given."""
        return [job for job in self.every_job() if job.state not in ENDED and name in (None, job.name)]

    def cancel(self, job_id: str) -> None:
        """Asks Flink to cancel a job; its checkpoints are retained."""
        self._ask("PATCH", f"/jobs/{job_id}?mode=cancel")

    def late_drops(self) -> dict[str, int | None]:
        """Rows dropped as late, summed over the operators of each running job; None if no operator reports any number.

        Flink counts from the start of an attempt: drops before a restart are seen in the stores only. Its first answer
        about metrics is empty and only makes it fetch them, so this asks again for a while.
        """
        deadline = time.monotonic() + METRICS_SECONDS
        while True:
            found = {name: self._late_drops(job_id) for name, job_id in self._ids()}
            if None not in found.values() or time.monotonic() > deadline:
                return found
            time.sleep(METRICS_POLL_SECONDS)

    def checkpoints(self) -> dict[str, CheckpointNumbers]:
        """The checkpoints of each running job, by its name."""
        return {name: checkpoints_of(self.get(f"/jobs/{job_id}/checkpoints")) for name, job_id in self._ids()}

    def task_managers(self, name: str, started_since: float = 0.0) -> set[str]:
        """Ids of the TaskManagers in which tasks of a job run that have started since then (unix seconds).

        Flink takes a process that has died for running until it notices.
        """
        ids = [job.job_id for job in self.jobs(name)]
        vertices = [f"/jobs/{job}/vertices/{row['id']}" for job in ids for row in self.get(f"/jobs/{job}")["vertices"]]
        rows = [row for path in vertices for row in self.get(f"{path}/taskmanagers")["taskmanagers"]]
        running = [row for row in rows if row["status"] == "RUNNING" and row["start-time"] >= started_since * 1000]
        return {row["taskmanager-id"] for row in running}

    def _ids(self) -> list[tuple[str, str]]:
        return [(job.name, job.job_id) for job in self.jobs()]

    def _late_drops(self, job_id: str) -> int | None:
        dropped: int | None = None
        for vertex in self.get(f"/jobs/{job_id}")["vertices"]:
            path = f"/jobs/{job_id}/vertices/{vertex['id']}/metrics"
            names = [row["id"] for row in self.get(path) if row["id"].endswith(LATE_DROPS)]
            if names:
                dropped = (dropped or 0) + sum_of(self.get(f"{path}?get={','.join(names)}"))
        return dropped

    def get(self, path: str) -> Any:
        """Flink's answer."""
        return self._ask("GET", path)

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """The answer to a request that starts something."""
        return self._ask("POST", path, body)

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        try:
            answer = requests.request(method, self._url + path, json=body, timeout=self._timeout_seconds)
            if not answer.ok:
                raise FlinkRefused(f"Flink's REST API at {self._url}{path}: {answer.status_code} {answer.reason}")
            return answer.json()
        except (requests.RequestException, ValueError) as error:
            raise FlinkUnavailable(f"Flink's REST API at {self._url}{path} doesn't answer: {error}") from error


def checkpoints_of(answer: Mapping[str, Any]) -> CheckpointNumbers:
    """From Flink's answer about the checkpoints of a job; numbers begin at 1, so 0 is none."""
    complete = answer["latest"]["completed"]
    newest = complete["id"] if complete else 0
    return CheckpointNumbers(max([newest, *(row["id"] for row in answer["history"])]), newest)


def sum_of(metrics: Iterable[dict[str, str]]) -> int:
    """Sum of Flink's metric values, which come as text."""
    return sum(int(float(row["value"])) for row in metrics)
