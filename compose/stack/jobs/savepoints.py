"""Ends the Flink jobs with savepoints, from which the keeper starts them again: for a new version of jobs or of Flink.

A savepoint holds all state in a form that other versions and other parallelisms read. The job stops with it, so nothing
that it has written is written again. Without "drain": windows stay open.
https://nightlies.apache.org/flink/flink-docs-release-2.2/docs/ops/rest_api/#jobs-jobid-stop
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import requests

from compose.process.errors import EnvironmentFailed
from compose.stack.jobs.checkpoints import SAVEPOINTS
from compose.stack.jobs.view import Job, jobs
from compose.stack.layout import Layout
from compose.stack.processes.supervision import Supervisor
from compose.stack.state import load_settings
from pipeline.job_names import JOBS, flink_name
from pipeline.settings import Settings

KEEPER = "jobs"
_POLL_SECONDS = 0.3
_REST_SECONDS = 10.0
_SAVEPOINT_SECONDS = 120.0
_STOP_SECONDS = 15.0


@dataclass(frozen=True)
class _Stopping:
    """A job that is being stopped, and the request's name."""

    job: Job
    trigger: str


def stop_with_savepoints(layout: Layout, say: Callable[[str], None]) -> None:
    """Returns when both jobs have ended, each with a savepoint among its checkpoints; the keeper is stopped as well.

    Raises StackNotRunning, and EnvironmentFailed if a job can't: it goes on then, and one that has ended already is
    started again from its savepoint.
    """
    settings, supervisor = load_settings(layout.root), Supervisor.find(layout)
    if supervisor is None:
        raise EnvironmentFailed(f"no stack is running in {layout.root}")
    # Else it would start at once what is to end.
    supervisor.stop_processes([KEEPER], _STOP_SECONDS)
    try:
        for stopping in [_stop(settings, job) for job in _running(settings)]:
            say(f"{stopping.job.name}: {_await(settings, stopping)}")
    except BaseException as error:
        supervisor.start_process(KEEPER)
        if isinstance(error, EnvironmentFailed | OSError):  # requests' errors are OSErrors
            raise EnvironmentFailed(f"no savepoint: {error}; the stack runs on") from error
        raise


def _running(settings: Settings) -> list[Job]:
    found = [job for job in jobs(settings.flink_rest_url) if job.state == "RUNNING"]
    missing = {flink_name(job) for job in JOBS} - {job.name for job in found}
    if missing:
        raise EnvironmentFailed(f"{', '.join(sorted(missing))} does not run, see `adctr status`")
    return found


def _stop(settings: Settings, job: Job) -> _Stopping:
    name = next(each for each in JOBS if flink_name(each) == job.name)
    answer = requests.post(
        f"{settings.flink_rest_url}/jobs/{job.job_id}/stop",
        json={"targetDirectory": f"{settings.checkpoint_uri(name)}/{SAVEPOINTS}", "drain": False},
        timeout=_REST_SECONDS,
    )
    answer.raise_for_status()
    return _Stopping(job, str(answer.json()["request-id"]))


def _await(settings: Settings, stopping: _Stopping) -> str:
    """Where the savepoint is."""
    job, deadline = stopping.job, time.monotonic() + _SAVEPOINT_SECONDS
    url = f"{settings.flink_rest_url}/jobs/{job.job_id}/savepoints/{stopping.trigger}"
    while True:
        answer = requests.get(url, timeout=_REST_SECONDS)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        if found["status"]["id"] == "COMPLETED":
            break
        if time.monotonic() > deadline:
            raise EnvironmentFailed(f"{job.name} took more than {_SAVEPOINT_SECONDS:.0f} s")
        time.sleep(_POLL_SECONDS)
    operation = found["operation"]
    if "location" not in operation:
        cause = str(operation.get("failure-cause", {}).get("stack-trace", operation)).splitlines()[0]
        raise EnvironmentFailed(f"{job.name}: {cause}; without one: `adctr down`")
    return str(operation["location"])
