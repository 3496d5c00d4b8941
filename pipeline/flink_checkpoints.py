"""Asks Flink for a checkpoint now, rather than at the next interval, and waits until it is complete."""

from __future__ import annotations

import time
from typing import Any

import requests

TIMEOUT_SECONDS = 5.0
POLL_SECONDS = 0.05


class NoCheckpoint(RuntimeError):
    """The job doesn't run, Flink doesn't answer, or the checkpoint failed; the message says which."""


def complete_checkpoint(rest_url: str, flink_name: str, timeout_seconds: float) -> None:
    """Returns when a checkpoint that was triggered after the call is complete. Raises NoCheckpoint."""
    try:
        job_id = _running_job(rest_url, flink_name)
        url = f"{rest_url}/jobs/{job_id}/checkpoints"
        answer = requests.post(url, json={"checkpointType": "CONFIGURED"}, timeout=TIMEOUT_SECONDS)
        answer.raise_for_status()
        request = answer.json()["request-id"]
        deadline = time.monotonic() + timeout_seconds
        while (state := _get(f"{url}/{request}"))["status"]["id"] != "COMPLETED":
            if time.monotonic() > deadline:
                raise NoCheckpoint(f"{flink_name}: no checkpoint within {timeout_seconds:.0f} s")
            time.sleep(POLL_SECONDS)
    except (requests.RequestException, KeyError, ValueError) as error:
        raise NoCheckpoint(f"Flink's REST API at {rest_url}: {error}") from error
    failure = (state.get("operation") or {}).get("failureCause")
    if failure:
        raise NoCheckpoint(f"{flink_name}: checkpoint failed: {failure.get('class', 'unknown')}")


def _running_job(rest_url: str, flink_name: str) -> str:
    for row in _get(f"{rest_url}/jobs/overview")["jobs"]:
        if row["name"] == flink_name and row["state"] == "RUNNING":
            return str(row["jid"])
    raise NoCheckpoint(f"job {flink_name} does not run")


def _get(url: str) -> Any:
    answer = requests.get(url, timeout=TIMEOUT_SECONDS)
    answer.raise_for_status()
    return answer.json()
