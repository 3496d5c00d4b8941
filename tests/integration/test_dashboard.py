"""`adctr dashboard` on a stack that has none of its own, and the probe that keeps its page open."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import psutil
import pytest

from slo.probes.dashboard import Dashboard
from slo.probes.recorder import Recorder
from slo.probes.viewer import DashboardUnavailable
from slo.recording import Recording
from slo.spec.parse import load_bundled
from slo.verdict import Verdict, judge_objective
from tests.integration.waiting import eventually

if TYPE_CHECKING:
    from pipeline.settings import Settings
    from tests.integration.conftest import RunningStack

REFRESH_SECONDS = 1


def adctr(stack: RunningStack, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "compose.cli", "--data-dir", str(stack.data_dir), "dashboard", *arguments]


@pytest.fixture
def served(stack: RunningStack) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The page's address, and the command that serves it; refreshed each second."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    command = adctr(stack, "--port", port, "--refresh", str(REFRESH_SECONDS))
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip(), process
        process.send_signal(signal.SIGINT)
        process.wait(20)
    assert process.returncode == 130


def opened(settings: Settings, url: str) -> Dashboard:
    """A probe whose page shows figures; the server may still be starting."""
    probe = Dashboard(replace(settings, dashboard_url=url))

    def shows() -> bool:
        try:
            return bool(list(probe.look()))
        except DashboardUnavailable:
            return False

    eventually("the page shows when its figures were read", shows)
    return probe


def age_seconds(probe: Dashboard) -> float:
    (sample,) = probe.look()
    return sample.value


def test_the_probe_reads_the_age_of_an_open_page(settings: Settings, served: tuple[str, subprocess.Popen[str]]) -> None:
    """Every second new figures; a server that stands still shows old ones, and one that is gone as well."""
    url, process = served
    probe = opened(settings, url)
    ages = []

    def refreshed_again_and_again() -> bool:
        ages.append(age_seconds(probe))
        return probe.notes()["dashboard_refreshes"] >= 5

    eventually("five refreshes", refreshed_again_and_again)
    assert min(ages) < REFRESH_SECONDS  # how regular they are, the objective judges where the machine is not busy

    (server,) = psutil.Process(process.pid).children()
    os.kill(server.pid, signal.SIGSTOP)
    time.sleep(4)
    assert age_seconds(probe) > 3
    os.kill(server.pid, signal.SIGCONT)
    eventually("new figures", lambda: age_seconds(probe) < REFRESH_SECONDS + 1)
    probe.close()


def test_a_page_that_is_gone_gets_older(settings: Settings, served: tuple[str, subprocess.Popen[str]]) -> None:
    url, process = served
    probe = opened(settings, url)
    (server,) = psutil.Process(process.pid).children()
    os.kill(server.pid, signal.SIGSTOP)
    probe.close()
    time.sleep(3)
    assert age_seconds(probe) > 2.5
    os.kill(server.pid, signal.SIGCONT)
    eventually("it is connected again", lambda: age_seconds(probe) < REFRESH_SECONDS + 1)
    probe.close()


def test_a_stack_without_a_dashboard_is_inconclusive_and_says_why(settings: Settings) -> None:
    objective = load_bundled().objective("dashboard_refresh")
    with Recorder([Dashboard(settings)]) as recorder:
        time.sleep(0.5)
        series = recorder.recording().series
    found = judge_objective(objective, Recording(0.0, 600.0, series))
    assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, "void: this stack runs no dashboard")


def test_a_port_that_is_taken_is_named(stack: RunningStack) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = str(holder.getsockname()[1])
        ended = subprocess.run(adctr(stack, "--port", port), capture_output=True, text=True, timeout=60)
    assert ended.returncode == 4
    assert f"port {port} is in use by" in ended.stderr
