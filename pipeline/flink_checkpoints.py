"""Asks Flink for a checkpoint now, rather than at the next interval, and waits until it is complete."""

from __future__ import annotations

import time

from pipeline.flink_rest import RUNNING, FlinkRest, FlinkUnavailable

POLL_SECONDS = 0.05


class NoCheckpoint(RuntimeError):
    """The job doesn't run, Flink doesn't answer, or the checkpoint failed; the message says which."""


def complete_checkpoint(rest_url: str, flink_name: str, timeout_seconds: float) -> None:
    """Returns when a checkpoint that was triggered after the call is complete. Raises NoCheckpoint."""
    flink = FlinkRest(rest_url)
    try:
        running = next((job for job in flink.jobs(flink_name) if job.state == RUNNING), None)
        if running is None:
            raise NoCheckpoint(f"job {flink_name} does not run")
        path = f"/jobs/{running.job_id}/checkpoints"
        request = flink.post(path, {"checkpointType": "CONFIGURED"})["request-id"]
        deadline = time.monotonic() + timeout_seconds
        while (state := flink.get(f"{path}/{request}"))["status"]["id"] != "COMPLETED":
            if time.monotonic() > deadline:
                raise NoCheckpoint(f"{flink_name}: no checkpoint within {timeout_seconds:.0f} s")
            time.sleep(POLL_SECONDS)
    except (FlinkUnavailable, KeyError) as error:
        raise NoCheckpoint(str(error)) from error
    failure = (state.get("operation") or {}).get("failureCause")
    if failure:
        raise NoCheckpoint(f"{flink_name}: checkpoint failed: {failure.get('class', 'unknown')}")
