"""The generator in a process of its own, for commands that watch it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from compose.process.errors import EnvironmentFailed, UsageError
from compose.process.exit_codes import ExitCode
from compose.process.parent_watch import ends_with_me
from compose.stack.layout import STACK_DIR_VARIABLE, Layout
from compose.stack.state import instead_of_the_stacks
from pipeline.settings import Settings
from slo.check import LoadSummary
from slo.latency.figures import Spread

_END_SECONDS = 150.0
"""Longer than the producer tries to deliver what it has taken."""


class LoadProcess:
    """``adctr load run`` as a child. Use as a context manager: it is gone when the block ends.

    ``options`` are further ones of that command, e.g. ``("--campaigns", "1000")``. One that ``outlives_stack`` is not
    swept up with the stack's processes, and waits for a new broker. ``settings`` replace the stack's, for instance to
    load another topic.
    """

    def __init__(
        self,
        data_dir: Path,
        ledger: Path,
        rate: float,
        seconds: float | None,
        options: Sequence[str] = (),
        *,
        outlives_stack: bool = False,
        settings: Settings | None = None,
    ) -> None:
        self._ledger = ledger
        command = [sys.executable, "-m", "compose.cli", "--data-dir", str(data_dir), "load", "run"]
        command += ["--rate", f"{rate:g}", "--ledger", str(ledger), "--format", "json", *options]
        if seconds is not None:
            command += ["--seconds", f"{seconds:g}"]
        # Not the terminal: its progress would write over ours. Not a pipe, which that would fill in an hour.
        self._words = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 - until __exit__
        self._process: subprocess.Popen[str] = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._words,
            text=True,
            # Out of reach of the terminal's Ctrl-C, which is for us: the load is then ended in order. Should we be
            # killed, the load notices; the mark lets `down` and the stack's guard sweep it up as well.
            start_new_session=True,
            env={
                **os.environ,
                STACK_DIR_VARIABLE: "" if outlives_stack else str(Layout.of(data_dir).root),
                **ends_with_me(),
                **({} if settings is None else instead_of_the_stacks(settings)),
            },
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.running:
            self._process.terminate()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.wait()
        self._words.close()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it still sends or waits for answers."""
        return self._process.poll() is None

    def end_early(self) -> None:
        """Asks it to stop sending; it still waits for its answers and reports."""
        if self.running:
            self._process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """``kill -9``: it gets no chance to finish its ledger."""
        self._process.kill()
        self._process.wait()

    def summary(self, seconds_left: float = 0.0) -> LoadSummary:
        """Waits for its end, which is due in so many seconds.

        Raises UsageError or EnvironmentFailed with its message if it has no result.
        """
        output, _ = self._process.communicate(timeout=seconds_left + _END_SECONDS)
        self._words.seek(0)
        words = self._words.read()
        try:
            return summary_of(json.loads(output), self._ledger)
        except ValueError:
            code = self._process.returncode
            kind = UsageError if code == ExitCode.USAGE else EnvironmentFailed
            raise kind(f"the load run ended with exit code {code}: {words.strip() or 'no message'}") from None


def summary_of(report: dict[str, Any], ledger: Path) -> LoadSummary:
    """From the JSON of ``adctr load run``."""
    delay = report["send_delay_seconds"] or {}
    return LoadSummary(
        ledger=ledger,
        sent=report["sent"],
        acknowledged=report["acknowledged"],
        failed=report["failed"],
        rate_achieved=report["rate_achieved"],
        send_delay=Spread(delay.get("p50"), delay.get("p99"), delay.get("max")),
    )
