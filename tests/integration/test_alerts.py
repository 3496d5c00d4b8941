"""A real Prometheus loads the generated rules, scrapes the real exporter, and an alert fires and is resolved."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
import yaml

from pipeline.settings import Settings
from slo.drills.sabotage import one_event_lost
from slo.rules.rule_file import rule_file
from slo.spec.load import load_bundled
from tests.integration.waiting import eventually

if TYPE_CHECKING:
    from tests.integration.conftest import RunningStack

ALERT = "CountsExactDiffers"
SOON_SECONDS = 120.0
"""Folding the topic of a whole test session and waiting for a checkpoint takes its time."""


@pytest.fixture(scope="module")
def prometheus_binary() -> str:
    """Required where CI says so, visibly skipped elsewhere."""
    found = shutil.which("prometheus")
    if found is None:
        message = "prometheus is not on PATH; .ci/promtool fetches it, CONTRIBUTING.md says how"
        if os.environ.get("ADCTR_REQUIRE_PROMTOOL") == "1":
            pytest.fail(message)
        pytest.skip(message)
    return found


@dataclass(frozen=True)
class Stack:
    """As much of a `slo.drills.drill.Bench` as this sabotage touches."""

    settings: Settings


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def process(command: list[str], log: Path) -> Iterator[None]:
    """Runs beside the block and is ended with it, in order."""
    with log.open("wb") as output:
        running = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        try:
            yield
        finally:
            running.send_signal(signal.SIGINT)
            running.wait(30)


@pytest.fixture
def prometheus(stack: RunningStack, prometheus_binary: str, tmp_path: Path) -> Iterator[str]:
    """The URL of a Prometheus that looks every second; the exporter verifies every few seconds."""
    exporter_port, port = free_port(), free_port()
    export = [sys.executable, "-m", "compose.cli", "--data-dir", str(stack.data_dir), "slo", "export"]
    export += ["--port", str(exporter_port), "--verify-every", "5s"]
    (tmp_path / "rules.yaml").write_text(rule_file(load_bundled()), encoding="utf-8")
    target = {"targets": [f"127.0.0.1:{exporter_port}"]}
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": ["rules.yaml"],
        "scrape_configs": [{"job_name": "adctr", "honor_labels": True, "static_configs": [target]}],
    }
    (tmp_path / "prometheus.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    serve = [prometheus_binary, f"--config.file={tmp_path / 'prometheus.yaml'}"]
    serve += [f"--storage.tsdb.path={tmp_path / 'tsdb'}", f"--web.listen-address=127.0.0.1:{port}"]
    with process(export, tmp_path / "exporter.log"), process(serve, tmp_path / "prometheus.log"):
        yield f"http://127.0.0.1:{port}"


def ask(prometheus: str, path: str, **parameters: str) -> Any:
    try:
        answer = requests.get(f"{prometheus}/api/v1/{path}", params=parameters, timeout=5)
        return answer.json().get("data") if answer.ok else None
    except requests.RequestException:
        return None


def firing(prometheus: str) -> set[str]:
    found = ask(prometheus, "alerts") or {"alerts": []}
    return {alert["labels"]["alertname"] for alert in found["alerts"] if alert["state"] == "firing"}


def differences(prometheus: str) -> list[str]:
    found = ask(prometheus, "query", query="adctr_count_differences") or {"result": []}
    return [row["value"][1] for row in found["result"]]


def test_a_difference_pages_and_its_repair_resolves_the_page(stack: RunningStack, prometheus: str) -> None:
    """An event is gone from the record; the on-call is told, and told when it is back."""
    eventually("the first verification", lambda: len(differences(prometheus)) == 1, SOON_SECONDS)
    assert differences(prometheus) == ["0"], "before anything was done"
    groups = ask(prometheus, "rules")["groups"]
    assert [rule["lastError"] for group in groups for rule in group["rules"] if rule.get("lastError")] == []
    assert ALERT not in firing(prometheus)
    with one_event_lost(Stack(stack.settings)):
        eventually("the alert fires", lambda: ALERT in firing(prometheus), SOON_SECONDS)
    eventually("the alert is resolved", lambda: ALERT not in firing(prometheus), SOON_SECONDS)
    assert differences(prometheus) == ["0"]
