"""What Flink says of its jobs, and what that comes to."""

from __future__ import annotations

from typing import Any

import pytest

from compose.stack.jobs import view
from pipeline.flink_rest import FlinkRest


def row(name: str, state: str, running: int) -> dict[str, Any]:
    return {"name": name, "jid": name, "state": state, "start-time": 0, "tasks": {"running": running, "total": 3}}


def test_a_job_whose_tasks_wait_for_a_task_manager_does_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Flink still calls it RUNNING."""
    rows = [row("a", "RUNNING", 3), row("b", "RUNNING", 0), row("c", "RESTARTING", 0), row("d", "FINISHED", 0)]
    answers = {"/jobs/overview": {"jobs": rows}, "/jobs/a/checkpoints": {}}
    monkeypatch.setattr(FlinkRest, "get", lambda _self, path: answers[path])
    assert [(job.name, job.state) for job in view.jobs("")] == [
        ("a", "RUNNING"),
        ("b", "INITIALIZING"),
        ("c", "RESTARTING"),
    ]
