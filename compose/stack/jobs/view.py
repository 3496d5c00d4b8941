"""What Flink's REST API says about the jobs."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from compose.process.errors import EnvironmentFailed
from compose.stack.service import Plan
from pipeline.job_names import flink_name
from pipeline.job_report import report_time, reports_of
from pipeline.settings import Settings

EXPECTED_JOBS = 2
_TIMEOUT_SECONDS = 3.0
_OTHER_JOB_SECONDS = 8.0
_JOBS_SECONDS = 300.0
_FAILED_SUBMISSIONS_TOLERATED = 6
_ENDED = ("CANCELED", "FAILED", "FINISHED")
BLOCKED = "BLOCKED"


@dataclass(frozen=True)
class Job:
    """One Flink job. `last_checkpoint` is the newest completed one: id, path and time in ms since the epoch.

    A job that the keeper does not start is BLOCKED, has no id, and ``reason`` says why. ``passed_over`` counts the
    checkpoints that could not be restored, ``lost_records`` what was accepted as lost.
    """

    name: str
    job_id: str | None
    state: str
    last_checkpoint: dict[str, Any] | None
    reason: str | None = None
    passed_over: int = 0
    lost_records: int = 0


def get(rest_url: str, path: str) -> Any:
    """The JSON answer of Flink's REST API. Raises OSError if there is none."""
    with urllib.request.urlopen(rest_url + path, timeout=_TIMEOUT_SECONDS) as response:
        return json.loads(response.read())


def reported_jobs(settings: Settings) -> list[Job]:
    """The same with what the keeper reports about them, and the jobs that it does not start."""
    reports = {flink_name(job): report for job, report in reports_of(settings).items()}
    try:
        found = {job.name: job for job in jobs(settings.flink_rest_url)}
    except OSError:
        found = {}
    for name, report in reports.items():
        if report.blocked and name not in found:
            found[name] = Job(name, None, BLOCKED, None, report.blocked)
        if name in found:
            passed_over = len(report.passed_over)
            found[name] = replace(found[name], passed_over=passed_over, lost_records=report.lost_records)
    return sorted(found.values(), key=lambda job: job.name)


def jobs(rest_url: str) -> list[Job]:
    """The jobs that have not ended, by name. Raises OSError if Flink does not answer."""
    return [
        replace(job, last_checkpoint=_last_checkpoint(rest_url, job.job_id))
        # Asked about the checkpoints of a job that is only being set up, Flink fills its log with stack traces.
        if job.state == "RUNNING" and job.job_id is not None
        else job
        for job in _overview(rest_url)
    ]


def _overview(rest_url: str) -> list[Job]:
    rows = get(rest_url, "/jobs/overview")["jobs"]
    found = [Job(row["name"], row["jid"], _state(row), None) for row in rows if row["state"] not in _ENDED]
    return sorted(found, key=lambda job: job.name)


def _state(row: dict[str, Any]) -> str:
    """Flink calls a job RUNNING whose tasks wait for a TaskManager, or read their state."""
    waits = row["state"] == "RUNNING" and row["tasks"]["running"] < row["tasks"]["total"]
    return "INITIALIZING" if waits else str(row["state"])


def _last_checkpoint(rest_url: str, job_id: str) -> dict[str, Any] | None:
    try:
        latest = get(rest_url, f"/jobs/{job_id}/checkpoints").get("latest", {})
    except urllib.error.HTTPError:  # the job ended in between, or does not run yet
        return None
    known = [row for key in ("completed", "savepoint", "restored") if (row := latest.get(key))]
    if not known:
        return None
    newest = max(known, key=lambda row: int(row["id"]))
    at = newest.get("latest_ack_timestamp") or newest.get("restore_timestamp")
    return {"id": newest["id"], "path": newest.get("external_path"), "time_ms": at}


def wait_for_jobs(plan: Plan, cancelled: threading.Event, say: Callable[[str], None]) -> None:
    """Returns when both jobs run and have completed a checkpoint: their sinks then have been written to.

    A job is RUNNING seconds before its tasks take the first record, on a cold machine ten. Raises EnvironmentFailed
    after five minutes, or sooner if Flink's client fails again and again.
    """
    deadline, started = time.monotonic() + _JOBS_SECONDS, time.time()
    log = plan.layout.log_of("jobs")
    earlier_failures = _failed_submissions(log)
    seen: list[Job] = []
    while not cancelled.is_set():
        try:
            seen = _overview(plan.settings.flink_rest_url)
        except OSError:
            seen = []
        if _all_ready(plan.settings.flink_rest_url, seen):
            say("jobs are running: " + ", ".join(job.name for job in seen))
            return
        if _blocked(plan.settings, started):
            cancelled.wait(_OTHER_JOB_SECONDS)  # the keeper asks about one job after the other
            raise EnvironmentFailed("; ".join(_blocked(plan.settings, started)))
        hopeless = _failed_submissions(log) - earlier_failures >= _FAILED_SUBMISSIONS_TOLERATED
        if hopeless or time.monotonic() > deadline:
            states = ", ".join(f"{job.name} {job.state}" for job in seen) or "none was submitted"
            raise EnvironmentFailed(
                f"the Flink jobs do not run, or complete no checkpoint ({states}); see {log} and "
                f"{plan.layout.log_of('jobmanager')}"
            )
        cancelled.wait(0.3)


def _blocked(settings: Settings, since: float) -> list[str]:
    """The jobs that the keeper does not start, and why, if it has said so since then (unix seconds)."""
    if report_time(settings.checkpoint_dir) < since:
        return []
    reports = sorted(reports_of(settings).items())
    return [f"{flink_name(job)} is not started: {report.blocked}" for job, report in reports if report.blocked]


def check_jobs(rest_url: str) -> None:
    """Returns if both jobs run and have completed a checkpoint. Raises OSError if they don't."""
    seen = _overview(rest_url)
    if not _all_ready(rest_url, seen):
        states = ", ".join(f"{job.name} {job.state}" for job in seen) or "none was submitted"
        raise ConnectionError(f"the Flink jobs do not run, or complete no checkpoint ({states})")


def _all_ready(rest_url: str, seen: list[Job]) -> bool:
    return sum(job.state == "RUNNING" and _has_checkpointed(rest_url, job) for job in seen) >= EXPECTED_JOBS


def _has_checkpointed(rest_url: str, job: Job) -> bool:
    try:
        completed: int = get(rest_url, f"/jobs/{job.job_id}/checkpoints")["counts"]["completed"]
    except OSError:  # the job ended in between, or Flink did
        return False
    return completed > 0


def _failed_submissions(log: Path) -> int:
    try:
        return log.read_bytes().count(b"Flink's client ended with exit code")
    except OSError:
        return 0
