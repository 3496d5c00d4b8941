"""A stack of its own with a full topic, for benchmarks that drain one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from compose.experiment.flink_control import FlinkControl
from compose.process.errors import EnvironmentFailed, UsageError
from compose.stack.layout import STACK_DIR_VARIABLE, Layout
from compose.stack.lifecycle import require_nobody_running, temporary_stack
from compose.stack.ports import PortChoice
from compose.stack.state import instead_of_the_stacks
from loadgen.ledger import read_ledger
from loadgen.truth import expected_counts
from pipeline.provision import provision
from pipeline.settings import ENV_PREFIX, WINDOW_SIZES_SECONDS, Settings
from slo.bench.expected_counts import ExpectedCounts

SPAN = "10m"
RETENTION_SECONDS = 7 * 86_400
"""So that nothing expires while a benchmark runs, or before the next one uses the same preload."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class PreloadedStack:
    """A running stack whose jobs are stopped and whose topic is full."""

    layout: Layout
    settings: Settings
    control: FlinkControl
    ledger: Path
    events: int

    def expected(self) -> ExpectedCounts:
        """What the ledger says must be counted."""
        ledger = read_ledger(self.ledger)
        if not ledger.ended_cleanly or not bool(ledger.acked.all()):
            raise EnvironmentFailed(f"{self.ledger}: the preload did not end cleanly; remove its directory, start over")
        return ExpectedCounts(self.events, {size: expected_counts(ledger, size) for size in WINDOW_SIZES_SECONDS})

    def with_topic(self, name: str, *, historic: bool) -> PreloadedStack:
        """The same stack with another, empty topic; ``historic`` ones take old records, others a live load."""
        settings = replace(self.settings, events_topic=name, historic=historic)
        provision(settings)
        ledger = self.layout.root / f"{name}.ledger"
        return PreloadedStack(self.layout, settings, FlinkControl(self.layout, settings), ledger, 0)

    def preloaded(self, events: int) -> PreloadedStack:
        """With so many events in its topic, which was empty. Raises EnvironmentFailed."""
        _preload(self.layout, self.ledger, events, self.settings)
        return replace(self, events=events)


@contextmanager
def preloaded_stack(directory: Path, events: int, *, keep: bool, say: Say) -> Iterator[PreloadedStack]:
    """Starts a historic stack in `directory` and fills it, unless it is full from last time; stops it at the end.

    Raises UsageError if the directory holds another number of events, EnvironmentFailed if the load fails.
    """
    layout = Layout.of(directory)
    ledger, marker = layout.root / "preload.ledger", layout.root / "preload.json"
    require_nobody_running(layout)
    _refuse_other_preload(layout, marker, events)
    environ = {**os.environ, f"{ENV_PREFIX}CACHE_RETENTION_SECONDS": str(RETENTION_SECONDS)}
    try:
        with temporary_stack(layout.root, PortChoice.AUTO, historic=True, say=say, environ=environ) as settings:
            control = FlinkControl(layout, settings)
            control.end_everything()
            if not marker.exists():
                say(f"preloading {events:,} events")
                _preload(layout, ledger, events, settings)
                marker.write_text(json.dumps({"events": events}), encoding="utf-8")
            yield PreloadedStack(layout, settings, control, ledger, events)
    finally:
        if not keep:
            shutil.rmtree(layout.root, ignore_errors=True)


def _refuse_other_preload(layout: Layout, marker: Path, events: int) -> None:
    if marker.exists():
        held = json.loads(marker.read_text(encoding="utf-8"))["events"]
        if held != events:
            raise UsageError(
                f"{layout.root} holds a preload of {held} events: use --events {held}, or remove that directory"
            )
    elif layout.record.exists():
        raise UsageError(f"{layout.root} holds an unfinished preload or another stack: remove that directory")


def _preload(layout: Layout, ledger: Path, events: int, settings: Settings) -> None:
    command = [sys.executable, "-m", "compose.cli", "--data-dir", str(layout.root), "load", "historic"]
    command += ["--events", str(events), "--span", SPAN, "--ledger", str(ledger)]
    # Marked as part of the stack, so that it ends with the stack however this process ends.
    environment = {**os.environ, STACK_DIR_VARIABLE: str(layout.root), **instead_of_the_stacks(settings)}
    load = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, env=environment, check=False)
    if load.returncode != 0:
        raise EnvironmentFailed(f"the preload ended with exit code {load.returncode}; its message is above")
