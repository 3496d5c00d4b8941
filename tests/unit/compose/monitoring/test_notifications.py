"""A real Alertmanager with our configuration: one cause is one notification, and the watchdog goes its own way."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from compose.monitoring.alertmanager_config import alertmanager_config
from compose.stack.services.monitoring import alertmanager_options
from tests.integration.waiting import eventually

SOON_SECONDS = 60.0
Notification = tuple[str, dict[str, Any]]


@contextmanager
def inbox() -> Iterator[tuple[str, list[Notification]]]:
    """(address, what was posted: path and body) of a webhook."""
    got: list[Notification] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", got
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def program() -> str:
    found = shutil.which("alertmanager")
    if found is None:
        message = "alertmanager is not on PATH; .ci/prometheus fetches it, CONTRIBUTING.md says how"
        if os.environ.get("ADCTR_REQUIRE_PROMTOOL") == "1":
            pytest.fail(message)
        pytest.skip(message)
    return found


@contextmanager
def alertmanager(program: str, config: dict[str, Any], directory: Path) -> Iterator[str]:
    """Runs one until the block ends; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    file = directory / "alertmanager.yaml"
    file.write_text(yaml.safe_dump(config))
    command = [program, *alertmanager_options(str(file), str(directory / "storage"), address)]
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    try:
        eventually("Alertmanager answers", lambda: _ready(address), SOON_SECONDS)
        yield f"http://{address}"
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


def _ready(address: str) -> bool:
    try:
        return requests.get(f"http://{address}/-/ready", timeout=2).ok
    except requests.RequestException:
        return False


def fire(address: str, *alerts: dict[str, str]) -> None:
    """All at once, as Prometheus posts them."""
    now = datetime.now(UTC).isoformat()
    body = [{"labels": labels, "startsAt": now} for labels in alerts]
    requests.post(f"{address}/api/v2/alerts", json=body, timeout=5).raise_for_status()


def test_one_cause_is_one_notification(program: str, tmp_path: Path) -> None:
    """Three targets of Flink and the jobs that restart for it, a page and its ticket, a probe and what it measures."""
    with inbox() as (url, got):
        config = alertmanager_config(f"{url}/on-call", f"{url}/switch", group_wait="2s")
        with alertmanager(program, config, tmp_path) as address:
            down = {"alertname": "TargetDown", "subject": "targets", "severity": "ticket", "job": "flink"}
            bad = {"subject": "dead_letters", "severity": "ticket"}
            fire(
                address,
                *({**down, "instance": each} for each in ("a", "b", "c")),
                {"alertname": "JobRestarts", "subject": "jobs", "severity": "ticket", "job_name": "adctr-live"},
                {**bad, "alertname": "DeadLettersRate"},
                {**bad, "alertname": "DeadLettersBurst", "severity": "page"},
                {"alertname": "XBurnsErrorBudget", "objective": "x", "severity": "page"},
                {"alertname": "XBurnsErrorBudget", "objective": "x", "severity": "ticket"},
                {"alertname": "YSilent", "objective": "y", "severity": "ticket", "probe": "q"},
                {"alertname": "ZSilent", "objective": "z", "severity": "ticket", "probe": "p"},
                {"alertname": "CountsSilent", "objective": "c", "severity": "ticket"},
                # Of another subject than the pages: they must not silence it.
                {"alertname": "ProbeFails", "subject": "probes", "severity": "ticket", "probe": "p"},
                {"alertname": "Watchdog", "subject": "watchdog", "severity": "none"},
            )
            wanted = {
                "/on-call": [
                    *("CountsSilent", "DeadLettersBurst", "ProbeFails", "TargetDown", "XBurnsErrorBudget", "YSilent")
                ],
                "/switch": ["Watchdog"],
            }

            def told() -> dict[str, list[str]]:
                found: dict[str, list[str]] = {}
                for path, body in list(got):
                    found.setdefault(path, []).append(body["commonLabels"]["alertname"])
                return {path: sorted(names) for path, names in sorted(found.items())}

            eventually("everybody is told", lambda: told() == wanted, SOON_SECONDS)
            targets = next(body for _, body in got if body["commonLabels"]["alertname"] == "TargetDown")
            assert len(targets["alerts"]) == 3
            asked = requests.get(f"{address}/api/v2/alerts", params={"inhibited": "true"}, timeout=5).json()
            inhibited = {each["labels"]["alertname"] for each in asked if each["status"]["inhibitedBy"]}
            assert inhibited == {"JobRestarts", "DeadLettersRate", "XBurnsErrorBudget", "ZSilent"}


@pytest.mark.parametrize("webhook", ["", "http://127.0.0.1:1/"])
@pytest.mark.parametrize("watchdog", ["", "http://127.0.0.1:2/"])
def test_every_receiver_that_is_routed_to_is_there(webhook: str, watchdog: str) -> None:
    config = alertmanager_config(webhook, watchdog)
    routed = {config["route"]["receiver"], *(each["receiver"] for each in config["route"]["routes"])}
    assert routed <= {each["name"] for each in config["receivers"]}
    told = [hook["url"] for each in config["receivers"] for hook in each.get("webhook_configs", [])]
    assert told == [each for each in (webhook, watchdog) if each]
