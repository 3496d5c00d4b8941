"""Samples of checkpoints from answers as Flink's REST API gives them."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from pipeline.flink_rest import FlinkUnavailable
from pipeline.settings import Settings
from slo.probes.checkpoints import Checkpoints
from slo.spec.model import Indicator

Answers = dict[str, Any]


@pytest.fixture
def answers() -> Answers:
    """By path; what is not there is answered with 404. The live job has just been started again, as job ``b``."""
    return {
        "/jobs/overview": {
            "jobs": [
                job("adctr-live", "a", "FAILED"),
                job("adctr-live", "b", "RUNNING"),
                job("adctr-store", "c", "INITIALIZING"),
            ]
        },
        "/jobs/b/checkpoints": {
            "counts": {"failed": 2},
            "history": [
                {
                    "id": 8,
                    "status": "IN_PROGRESS",
                    "latest_ack_timestamp": 0,
                    "end_to_end_duration": 0,
                    "state_size": 0,
                },
                checkpoint(7, ended_ms=1_003_500, size=2_000),
                checkpoint(6, ended_ms=1_000_500, size=1_000),
                checkpoint(5, ended_ms=997_500, size=900),
            ],
        },
    }


def job(name: str, job_id: str, state: str) -> dict[str, Any]:
    return {"name": name, "jid": job_id, "state": state, "start-time": 0, "tasks": {"running": 3, "total": 3}}


def checkpoint(number: int, ended_ms: int, size: int) -> dict[str, Any]:
    return {
        "id": number,
        "status": "COMPLETED",
        "latest_ack_timestamp": ended_ms,
        "end_to_end_duration": 250,
        "state_size": size,
        "checkpointed_size": 1,
    }


@pytest.fixture
def settings(answers: Answers) -> Iterator[Settings]:
    """Settings with the address of a server that gives the answers."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = answers.get(self.path)
            body = json.dumps(found).encode()
            self.send_response(200 if found is not None else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield Settings(flink_rest_url=f"http://127.0.0.1:{server.server_port}")
    server.shutdown()
    server.server_close()
    thread.join()


def test_each_completed_checkpoint_is_one_sample(settings: Settings, answers: Answers) -> None:
    """Started at second 1000, looked at 1004 and 1007: number 5 was before that, number 8 completes in between."""
    now = [1000.0]
    probe = Checkpoints(settings, clock=lambda: now[0])
    now[0] = 1004.0
    first = [(each.indicator, each.at, each.value, each.job) for each in probe.look() if each.job == "adctr-live"]
    assert first == [
        (Indicator.CHECKPOINT_SIZE, 1000.5, 1000.0, "adctr-live"),
        (Indicator.CHECKPOINT_DURATION, 1000.5, 0.25, "adctr-live"),
        (Indicator.CHECKPOINT_SIZE, 1003.5, 2000.0, "adctr-live"),
        (Indicator.CHECKPOINT_DURATION, 1003.5, 0.25, "adctr-live"),
        (Indicator.CHECKPOINT_AGE, 1004.0, 0.5, "adctr-live"),
    ]
    answers["/jobs/b/checkpoints"]["history"][0] = checkpoint(8, ended_ms=1_006_500, size=3_000)
    answers["/jobs/b/checkpoints"]["counts"]["failed"] = 3
    now[0] = 1007.0
    second = [(each.indicator, each.value) for each in probe.look() if each.job == "adctr-live"]
    assert second == [
        (Indicator.CHECKPOINT_SIZE, 3000.0),
        (Indicator.CHECKPOINT_DURATION, 0.25),
        (Indicator.CHECKPOINT_AGE, 0.5),
    ]
    assert probe.notes() == {"checkpoints_failed": 1}, "two had failed before anybody looked"
    probe.close()


def test_a_job_without_checkpoints_has_an_age_that_never_came(settings: Settings, answers: Answers) -> None:
    """One is being set up, the other has ended between the two questions."""
    del answers["/jobs/b/checkpoints"]
    probe = Checkpoints(settings, clock=lambda: 1000.0)
    samples = list(probe.look())
    assert [(each.indicator, each.job) for each in samples] == [
        (Indicator.CHECKPOINT_AGE, "adctr-live"),
        (Indicator.CHECKPOINT_AGE, "adctr-store"),
    ]
    assert all(math.isnan(each.value) for each in samples)
    probe.close()


def test_a_jobmanager_that_is_away_is_a_failed_look() -> None:
    probe = Checkpoints(Settings(flink_rest_url="http://127.0.0.1:1"))
    with pytest.raises(FlinkUnavailable):
        probe.look()
    probe.close()
