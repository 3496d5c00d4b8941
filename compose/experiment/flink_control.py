"""Starting and ending single Flink jobs of a running stack, for benchmarks: without the keeper that restarts them."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil
import requests

from compose.process.errors import EnvironmentFailed
from compose.stack.jobs.keeper import ENDED, client_command
from compose.stack.layout import Layout
from compose.stack.processes.supervision import Supervisor
from compose.stack.services import flink
from pipeline.job_names import JOBS, flink_name
from pipeline.settings import Settings

_POLL_SECONDS = 0.1
_START_SECONDS = 180.0
_STOP_SECONDS = 60.0
_REST_SECONDS = 10.0


class FlinkControl:
    """The jobs of one stack, by hand. Until `end_everything` the keeper is still at work."""

    def __init__(self, layout: Layout, settings: Settings) -> None:
        supervisor = Supervisor.find(layout)
        if supervisor is None:
            raise EnvironmentFailed(f"no stack is running in {layout.root}")
        self._supervisor = supervisor
        self._layout = layout
        self._settings = settings

    def end_everything(self) -> None:
        """Stops the keepers, cancels all jobs and forgets their checkpoints."""
        self._supervisor.stop_processes(["jobs", "cache-keeper"], _STOP_SECONDS)
        for job in JOBS:
            self.cancel(job)

    def stop_task_manager(self, name: str) -> None:
        """Stops a TaskManager and waits until the JobManager has given it up."""
        self._supervisor.stop_processes([name], _STOP_SECONDS)
        self._until(lambda: name not in [each["id"] for each in self._get("/taskmanagers")["taskmanagers"]], name)

    def start(self, job: str) -> float:
        """Submits a job from the beginning of the topic; the unix time at which the last of its tasks ran."""
        environment = {**os.environ, **self._settings.to_env(), **flink.environment(self._layout)}
        with self._layout.log_of("client").open("ab") as log:
            client = subprocess.Popen(
                client_command(flink.conf_dir(self._layout), [job]),
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            began: list[float] = []

            def runs() -> bool:
                began.extend(self._running_since(job))
                return bool(began) or client.poll() not in (None, 0)

            self._until(runs, job)
            if client.wait(_START_SECONDS) != 0 or not began:
                raise EnvironmentFailed(f"Flink's client did not submit {job}; see {self._layout.log_of('client')}")
        finally:
            if client.poll() is None:
                client.kill()
                client.wait()
        return began[0]

    def cancel(self, job: str) -> None:
        """Cancels a job wherever it runs and removes its checkpoints."""
        for row in self._active(job):
            url = f"{self._settings.flink_rest_url}/jobs/{row['jid']}?mode=cancel"
            requests.patch(url, timeout=_REST_SECONDS).raise_for_status()
        self._until(lambda: not self._active(job), job)
        shutil.rmtree(Path(self._settings.checkpoint_dir) / job, ignore_errors=True)

    def processes(self, names: Sequence[str]) -> list[psutil.Process]:
        """Processes of the stack by name."""
        return [psutil.Process(each.pid) for each in self._supervisor.processes() if each.name in names and each.pid]

    def _active(self, job: str) -> list[dict[str, Any]]:
        rows = self._get("/jobs/overview")["jobs"]
        return [row for row in rows if row["name"] == flink_name(job) and row["state"] not in ENDED]

    def _running_since(self, job: str) -> list[float]:
        """When all tasks of the job were running, if they are: at most one time."""
        for row in self._active(job):
            vertices = self._get(f"/jobs/{row['jid']}")["vertices"]
            if vertices and all(vertex["status"] == "RUNNING" for vertex in vertices):
                subtasks = [
                    self._get(f"/jobs/{row['jid']}/vertices/{vertex['id']}/subtasktimes") for vertex in vertices
                ]
                times = [each["timestamps"]["RUNNING"] for vertex in subtasks for each in vertex["subtasks"]]
                return [max(times) / 1000]
        return []

    def _get(self, path: str) -> Any:
        answer = requests.get(self._settings.flink_rest_url + path, timeout=_REST_SECONDS)
        answer.raise_for_status()
        return answer.json()

    def _until(self, done: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not done():
            if time.monotonic() > deadline:
                raise EnvironmentFailed(f"Flink: {what} is not where it should be after {_START_SECONDS:.0f} s")
            time.sleep(_POLL_SECONDS)


class JobControl:
    """One job alone on its TaskManager: what `slo.bench` drives."""

    def __init__(self, control: FlinkControl, job: str, task_manager: str) -> None:
        self._control = control
        self._job = job
        self._task_manager = task_manager

    def start(self) -> float:
        """Submits it from the beginning of the topic; the unix time at which all its tasks ran."""
        return self._control.start(self._job)

    def cancel(self) -> None:
        """Ends it and forgets its checkpoints."""
        self._control.cancel(self._job)

    def processes(self) -> list[psutil.Process]:
        """The JobManager and the TaskManager."""
        return self._control.processes(("jobmanager", self._task_manager))
