"""Asks Flink's REST API whether the jobs run, and how many rows their operators dropped as late."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import requests

from pipeline.settings import Settings

TIMEOUT_SECONDS = 5.0
METRICS_SECONDS = 15.0
METRICS_POLL_SECONDS = 0.5
LATE_DROPS = "numLateRecordsDropped"


class FlinkUnavailable(ConnectionError):
    """Flink's REST API doesn't answer; the message names the address."""


@dataclass(frozen=True)
class Checkpoints:
    """Numbers of a job's checkpoints, which only rise: the newest that was begun, and the newest complete one."""

    begun: int
    complete: int


class FlinkRest:
    """The few reads that reconciliation needs."""

    def __init__(self, settings: Settings) -> None:
        self._url = settings.flink_rest_url

    def job_states(self) -> dict[str, str]:
        """State by name of the jobs that have not ended, e.g. RUNNING. Raises FlinkUnavailable."""
        return {name: state for name, _, state in self._jobs()}

    def late_drops(self) -> dict[str, int | None]:
        """Rows dropped as late, summed over the operators of each running job; None if no operator reports any number.

        Flink counts from the start of an attempt: drops before a restart are seen in the stores only. Its first answer
        about metrics is empty and only makes it fetch them, so this asks again for a while. Raises FlinkUnavailable.
        """
        deadline = time.monotonic() + METRICS_SECONDS
        while True:
            found = {name: self._late_drops(job_id) for name, job_id, _ in self._jobs()}
            if None not in found.values() or time.monotonic() > deadline:
                return found
            time.sleep(METRICS_POLL_SECONDS)

    def checkpoints(self) -> dict[str, Checkpoints]:
        """The checkpoints of each running job, by its name. Raises FlinkUnavailable."""
        return {name: checkpoints_of(self._get(f"/jobs/{job_id}/checkpoints")) for name, job_id, _ in self._jobs()}

    def task_managers(self, name: str, started_since: float = 0.0) -> set[str]:
        """Ids of the TaskManagers in which tasks of a job run that have started since then (unix seconds).

        Flink takes a process that has died for running until it notices. Raises FlinkUnavailable.
        """
        ids = [job_id for each, job_id, _ in self._jobs() if each == name]
        vertices = [f"/jobs/{job}/vertices/{row['id']}" for job in ids for row in self._get(f"/jobs/{job}")["vertices"]]
        rows = [row for path in vertices for row in self._get(f"{path}/taskmanagers")["taskmanagers"]]
        running = [row for row in rows if row["status"] == "RUNNING" and row["start-time"] >= started_since * 1000]
        return {row["taskmanager-id"] for row in running}

    def _jobs(self) -> list[tuple[str, str, str]]:
        ended = ("FINISHED", "CANCELED", "FAILED")
        rows = self._get("/jobs/overview")["jobs"]
        return [(row["name"], row["jid"], row["state"]) for row in rows if row["state"] not in ended]

    def _late_drops(self, job_id: str) -> int | None:
        dropped: int | None = None
        for vertex in self._get(f"/jobs/{job_id}")["vertices"]:
            path = f"/jobs/{job_id}/vertices/{vertex['id']}/metrics"
            names = [row["id"] for row in self._get(path) if row["id"].endswith(LATE_DROPS)]
            if names:
                dropped = (dropped or 0) + sum_of(self._get(f"{path}?get={','.join(names)}"))
        return dropped

    def _get(self, path: str) -> Any:
        try:
            answer = requests.get(self._url + path, timeout=TIMEOUT_SECONDS)
            answer.raise_for_status()
            return answer.json()
        except (requests.RequestException, ValueError) as error:
            raise FlinkUnavailable(f"Flink's REST API at {self._url}{path} doesn't answer: {error}") from error


def checkpoints_of(answer: Mapping[str, Any]) -> Checkpoints:
    """From Flink's answer about the checkpoints of a job; numbers begin at 1, so 0 is none."""
    complete = answer["latest"]["completed"]
    newest = complete["id"] if complete else 0
    return Checkpoints(max([newest, *(row["id"] for row in answer["history"])]), newest)


def sum_of(metrics: Iterable[dict[str, str]]) -> int:
    """Sum of Flink's metric values, which come as text."""
    return sum(int(float(row["value"])) for row in metrics)
