"""`adctr verify`: does every record stand where it should?"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from compose.cli.durations import parse_duration_seconds
from compose.cli.options import FormatOption
from compose.process.errors import EnvironmentFailed, UsageError
from compose.process.exit_codes import ExitCode
from compose.stack.state import load_settings
from compose.terminal.format import Format
from loadgen.ledger import LedgerError
from loadgen.ledger_index import read_ledgers
from pipeline.settings import Settings
from slo.reconciliation.report import Report, to_json, to_text, undrained_json
from slo.reconciliation.verify import UNAVAILABLE, reconcile
from slo.reconciliation.wait_drained import JobsStuck, NotDrained

DEFAULT_TIMEOUT = "300s"
_REDRAW_SECONDS = 0.2


class ProgressLine:
    """One line on stderr that is written over; nothing where stderr is no terminal."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()
        self._last = 0.0

    def __call__(self, text: str) -> None:
        now = time.monotonic()
        if self._shown and now - self._last >= _REDRAW_SECONDS:
            self._last = now
            print(f"\r\x1b[K{text[:110]}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Leaves an empty line."""
        if self._shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def verify(
    context: typer.Context,
    ledger: Annotated[
        list[Path] | None,
        typer.Option(help="Ledger of a load run: what was acknowledged must be there, what is there must be in it."),
    ] = None,
    timeout: Annotated[
        str, typer.Option(help="How long to wait for the jobs to reach the topic's end; a bare number is seconds.")
    ] = DEFAULT_TIMEOUT,
    format_: FormatOption = Format.TEXT,
) -> int:
    """Waits until the jobs have drained, then compares topic, Redis, PostgreSQL, dead letters and ledger.

    Exit 0: exact. 1: differences. 3: nothing verifiable, or not drained in time. 4: a service is down or a job stuck.
    """
    seconds = parse_duration_seconds("--timeout", timeout, zero=True, bare_seconds=True)
    report = _reconcile(load_settings(context.obj), ledger or [], seconds)
    if isinstance(report, NotDrained):
        return _not_drained(report, format_)
    print(json.dumps(to_json(report), indent=2) if format_ is Format.JSON else to_text(report))
    if report.found.total:
        return ExitCode.FAIL
    return ExitCode.PASS if report.exact else ExitCode.INCONCLUSIVE


def _not_drained(error: NotDrained, format_: Format) -> ExitCode:
    print(f"adctr: {error}", file=sys.stderr)
    if format_ is Format.JSON:
        print(json.dumps(undrained_json(str(error)), indent=2))
    return ExitCode.INCONCLUSIVE


def _reconcile(settings: Settings, ledgers: Sequence[Path], timeout_seconds: float) -> Report | NotDrained:
    """NotDrained if the jobs need more time. Raises UsageError for a bad ledger, EnvironmentFailed for a service."""
    try:
        runs = [run for path in ledgers for run in read_ledgers(path)]
    except (LedgerError, OSError) as error:
        raise UsageError(f"--ledger: {error}") from error
    progress = ProgressLine()
    try:
        return reconcile(settings, runs, timeout_seconds, progress)
    except NotDrained as error:
        return error
    except (JobsStuck, *UNAVAILABLE) as error:
        raise EnvironmentFailed(str(error)) from error
    finally:
        progress.clear()
