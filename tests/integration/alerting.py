"""An exporter, a Prometheus, an Alertmanager and a webhook of a test's own, watching the stack of the session."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
import yaml

from compose.monitoring import binaries
from compose.monitoring.alertmanager_config import alertmanager_config
from compose.monitoring.prometheus_config import Targets, prometheus_config
from compose.stack.processes.supervision import Supervisor
from pipeline.settings import Settings

if TYPE_CHECKING:
    from tests.integration.conftest import RunningStack

_DURATION = r"(\d+)([smhd])"
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def required(service: str) -> str:
    """The program of a service: required where CI says so, visibly skipped elsewhere."""
    found = binaries.find(service)
    if found is None:
        message = f"{service} is not on PATH; .ci/prometheus fetches it, CONTRIBUTING.md says how"
        if os.environ.get("ADCTR_REQUIRE_PROMTOOL") == "1":
            pytest.fail(message)
        pytest.skip(message)
    return str(found)


def an_hour_in_a_minute(rules: str) -> str:
    """The same rules with every window and every `for` a sixtieth as long. What is recorded keeps its name."""

    def scaled(match: re.Match[str]) -> str:
        return re.sub(_DURATION, lambda each: f"{max(1, int(each[1]) * _SECONDS[each[2]] // 60)}s", match[0])

    return re.sub(rf"\[{_DURATION}(:{_DURATION})?\]|for: {_DURATION}", scaled, rules)


@dataclass
class Inbox:
    """What arrived at the webhook: (name, status) of each alert, in order."""

    url: str
    got: list[tuple[str, str]] = field(default_factory=list)

    def has(self, alert: str, status: str = "firing", since: int = 0) -> bool:
        """Whether it is among what arrived, the first ``since`` left out."""
        return (alert, status) in self.got[since:]

    def firing(self) -> set[str]:
        """What the on-call must believe to be firing: an alert that goes on firing is not announced again."""
        return {alert for alert, status in dict(self.got).items() if status == "firing"}


@contextmanager
def webhook() -> Iterator[Inbox]:
    """An HTTP server that takes what Alertmanager posts."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            inbox.got.extend((each["labels"]["alertname"], each["status"]) for each in posted["alerts"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    inbox = Inbox(f"http://127.0.0.1:{server.server_port}/")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield inbox
    finally:
        server.shutdown()
        server.server_close()


@dataclass(frozen=True)
class OnCall:
    """Somebody who is told: Prometheus's address, what arrived, and the exporter's process."""

    prometheus: str
    inbox: Inbox
    exporter: subprocess.Popen[bytes]

    def ask(self, path: str, **parameters: str) -> Any:
        """``data`` of Prometheus's answer; None if there is none yet."""
        try:
            answer = requests.get(f"{self.prometheus}/api/v1/{path}", params=parameters, timeout=5)
            return answer.json().get("data") if answer.ok else None
        except requests.RequestException:
            return None

    def value(self, expression: str) -> list[str]:
        """The values of an expression's series."""
        found = self.ask("query", query=expression) or {"result": []}
        return [row["value"][1] for row in found["result"]]

    def firing(self) -> set[str]:
        """The names of all alerts that fire."""
        found = self.ask("alerts") or {"alerts": []}
        return {alert["labels"]["alertname"] for alert in found["alerts"] if alert["state"] == "firing"}


@contextmanager
def on_call(stack: RunningStack, directory: Path, rules: str) -> Iterator[OnCall]:
    """Prometheus looks every second, the exporter verifies every few, Alertmanager tells at once."""
    exporter_port, port, manager_port = free_port(), free_port(), free_port()
    export = [sys.executable, "-m", "compose.cli", "--data-dir", str(stack.data_dir), "slo", "export"]
    export += ["--port", str(exporter_port), "--verify-every", "5s"]
    targets = Targets(
        exporter=f"127.0.0.1:{exporter_port}",
        alertmanager=f"127.0.0.1:{manager_port}",
        prometheus=f"127.0.0.1:{port}",
    )
    (directory / "rules.yaml").write_text(rules, encoding="utf-8")
    (directory / "prometheus.yaml").write_text(yaml.safe_dump(prometheus_config(targets, "rules.yaml", 1, 1)))
    serve = [required(binaries.PROMETHEUS), f"--config.file={directory / 'prometheus.yaml'}"]
    serve += [f"--storage.tsdb.path={directory / 'tsdb'}", f"--web.listen-address=127.0.0.1:{port}"]
    manage = [required(binaries.ALERTMANAGER), f"--config.file={directory / 'alertmanager.yaml'}"]
    manage += [f"--storage.path={directory / 'alerts'}", f"--web.listen-address=127.0.0.1:{manager_port}"]
    manage += ["--cluster.listen-address="]
    with webhook() as inbox:
        config = alertmanager_config(inbox.url, group_wait="0s", group_interval="1s")
        (directory / "alertmanager.yaml").write_text(yaml.safe_dump(config))
        with (
            process(manage, directory / "alertmanager.log"),
            process(export, directory / "exporter.log") as exporter,
            process(serve, directory / "prometheus.log"),
        ):
            yield OnCall(f"http://127.0.0.1:{port}", inbox, exporter)


@dataclass(frozen=True)
class Bench:
    """As much of a `slo.drills.drill.Bench` as the sabotage of these tests touches."""

    stack: RunningStack

    @property
    def settings(self) -> Settings:
        return self.stack.settings

    def pids(self, service: str) -> Sequence[int]:
        supervisor = Supervisor.find(self.stack.layout)
        assert supervisor is not None
        return [each.pid for each in supervisor.processes() if each.name == service and each.pid]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def process(command: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Runs beside the block and is ended with it, in order."""
    with log.open("wb") as output:
        running = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        try:
            yield running
        finally:
            running.send_signal(signal.SIGINT)
            running.wait(30)
