"""The exporter beside a stack under load, in processes of their own, so that the CPU time of each is known."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import requests

from compose.experiment.load_process import LoadProcess
from compose.experiment.stack_processes import stack_processes
from compose.process.errors import EnvironmentFailed
from compose.stack.layout import STACK_DIR_VARIABLE, Layout
from compose.stack.lifecycle import temporary_stack, throwaway_directory
from compose.stack.ports import PortChoice
from slo.bench.cpu_meter import tree_cpu_seconds
from slo.bench.probe_cost import ProbeCost

WARM_UP_SECONDS = 30.0
"""A JVM that is still compiling would make the probes look cheap."""
SCRAPE_SECONDS = 15.0
"""As often as Prometheus asks by default."""
_END_SECONDS = 10.0

Say = Callable[[str], None]


@dataclass(frozen=True)
class _Exporter:
    process: psutil.Process
    url: str


def measure(directory: Path, rate: float, seconds: float, say: Say) -> ProbeCost:
    """On a new stack in a directory that is removed afterwards. Raises UsageError, EnvironmentFailed."""
    with (
        throwaway_directory(directory) as layout,
        temporary_stack(layout.root, PortChoice.AUTO, historic=False, say=say),
        _exporter(layout) as exporter,
        LoadProcess(layout.root, layout.root / "ledgers" / "probes.ledger", rate, None) as load,
    ):
        say(f"{rate:g} events/s: {WARM_UP_SECONDS:g} s to warm up, {seconds:g} s measured")
        _scrape_for(exporter, WARM_UP_SECONDS)
        watched = {"exporter": exporter.process, **stack_processes(layout)}
        before = _used(watched)
        _scrape_for(exporter, seconds)
        used = {name: after - before[name] for name, after in _used(watched).items() if name in before}
        load.end_early()
        achieved = load.summary().rate_achieved
    gone = tuple(name for name in watched if name not in used)
    return ProbeCost(rate, achieved, seconds, used.pop("exporter", 0.0), used, gone)


def _used(processes: Mapping[str, psutil.Process]) -> dict[str, float]:
    """CPU seconds so far of those that live."""
    used = {}
    for name, process in processes.items():
        with suppress(psutil.NoSuchProcess):
            if process.is_running():
                used[name] = tree_cpu_seconds(process)
    return used


@contextmanager
def _exporter(layout: Layout) -> Iterator[_Exporter]:
    """``adctr slo export`` on a free port."""
    command = [sys.executable, "-m", "compose.cli", "--data-dir", str(layout.root), "slo", "export", "--port", "0"]
    # Marked as part of the stack, so that it ends with the stack however this process ends.
    environment = {**os.environ, STACK_DIR_VARIABLE: str(layout.root)}
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True
    )
    try:
        assert process.stderr is not None
        words = process.stderr.readline()
        if not words.startswith("serving "):
            raise EnvironmentFailed(f"`adctr slo export` did not begin to serve: {words.strip() or 'no message'}")
        yield _Exporter(psutil.Process(process.pid), words.removeprefix("serving ").strip())
    finally:
        process.terminate()
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _scrape_for(exporter: _Exporter, seconds: float) -> None:
    """Asks as Prometheus would; its own CPU time is nobody's."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(left, SCRAPE_SECONDS))
        requests.get(exporter.url, timeout=_END_SECONDS).raise_for_status()
