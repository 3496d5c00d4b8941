"""Locust with real users of a real stack: its figures, its exit code, its ledger."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
import yaml

import slo
from loadgen.ledger_index import read_ledgers

if TYPE_CHECKING:
    from tests.integration.conftest import RunningStack

pytestmark = pytest.mark.long
OBJECTIVES = Path(slo.__file__).with_name("objectives.yaml")


def _spec(path: Path, limit: str, samples: int = 40) -> Path:
    """The bundled objectives, with another limit on cache reads, of which so many show a share of 0.9."""
    specification = yaml.safe_load(OBJECTIVES.read_text(encoding="utf-8"))
    (reads,) = (each for each in specification["objectives"] if each["name"] == "cache_read")
    reads.update(value=limit, target=0.9)
    reads["minimum"]["samples"] = samples
    path.write_text(yaml.safe_dump(specification), encoding="utf-8")
    return path


def _locust(stack: RunningStack, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "compose.cli", "--data-dir", str(stack.data_dir), "load", "locust", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=200)


@contextmanager
def _page() -> Iterator[str]:
    """A web server in the place of a dashboard, of which users know a page and its health only."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path in ("/", "/_stcore/health") else 404)
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def test_all_users_of_two_workers(stack: RunningStack, tmp_path: Path) -> None:
    """Every kind of request is in locust's own figures, the objective is kept, and what both produced is verified."""
    ledger, html = tmp_path / "locust.ledger", tmp_path / "report.html"
    own = ("--ledger", str(ledger), "--spec", str(_spec(tmp_path / "spec.yaml", "5s")), "--profile", "steady")
    flags = ("--headless", "--users", "10", "--spawn-rate", "10", "--run-time", "8s", "--processes", "2", "--json")
    with _page() as url:
        done = _locust(stack, *own, "--dashboard", url, *flags, "--html", str(html))
    assert done.returncode == 0, done.stderr
    counts: dict[str, int] = defaultdict(int)
    for entry in json.loads(done.stdout):
        counts[entry["method"]] += entry["num_requests"]
        assert entry["num_failures"] == 0
    assert set(counts) == {"KAFKA", "CACHE", "POSTGRES", "HTTP"}
    assert "cache_read: pass:" in done.stderr
    assert "produce 10 events" in html.read_text(encoding="utf-8")
    runs = read_ledgers(ledger)
    assert len(runs) == 2
    assert all(run.ended_cleanly and run.acked.all() for run in runs)
    # What was under way at the end is in the ledger, and may be missing in a worker's last report to locust's master.
    assert 0 < counts["KAFKA"] * 10 <= sum(len(run.seq) for run in runs)
    command = [
        sys.executable,
        "-m",
        "compose.cli",
        "--data-dir",
        str(stack.data_dir),
        "verify",
        "--ledger",
        str(ledger),
    ]
    verified = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_an_objective_that_is_breached_is_its_exit_code(stack: RunningStack, tmp_path: Path) -> None:
    """No cache read takes less than a microsecond. Too few of them would say nothing: exit code 3."""
    flags = ("--headless", "--users", "4", "--spawn-rate", "4", "--run-time", "4s", "--reads-per-user", "60")
    breached = _locust(stack, "--spec", str(_spec(tmp_path / "spec.yaml", "0.001ms")), *flags, "CacheReader")
    assert breached.returncode == 1, breached.stderr
    assert "cache_read: fail: 0.000%" in breached.stderr
    few = _locust(stack, "--spec", str(_spec(tmp_path / "many.yaml", "5s", 100_000)), *flags, "CacheReader")
    assert few.returncode == 3, few.stderr
    assert "cache_read: inconclusive" in few.stderr


def test_a_mistake_in_locusts_own_flags_is_told_by_locust(stack: RunningStack) -> None:
    """They are passed on as they are."""
    done = _locust(stack, "--headless", "--no-such-flag")
    assert done.returncode == 2
    assert "unrecognized arguments: --no-such-flag" in done.stderr
