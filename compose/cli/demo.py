"""`adctr demo`: the whole thing in one command, ended by its own verdict."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from compose.cli.check_report import report
from compose.cli.options import FormatOption
from compose.experiment.load_check import GeneratedLoad, run_load_check
from compose.process.errors import StackNotRunning
from compose.process.exit_codes import ExitCode
from compose.stack.layout import Layout
from compose.stack.lifecycle import temporary_stack
from compose.stack.ports import PortChoice
from compose.stack.processes.supervision import Supervisor
from compose.stack.services import monitoring
from compose.stack.state import Record, load_settings
from compose.terminal.format import Format
from compose.terminal.progress import say
from pipeline.settings import Settings
from slo.check import Observation
from slo.probes.catalogue import probes_of
from slo.spec.parse import load_bundled
from slo.verdict import judge_run


def demo(
    context: typer.Context,
    seconds: Annotated[
        float | None, typer.Option(min=1, help="Seconds to send; default: until Ctrl-C.", show_default=False)
    ] = None,
    rate: Annotated[float, typer.Option(min=1, help="Events per second.")] = 5000.0,
    ports: Annotated[PortChoice, typer.Option(help="Use the well-known ports, or free ones.")] = PortChoice.DEFAULT,
    format_: FormatOption = Format.TEXT,
) -> int:
    """Starts the stack unless it runs, sends events, times each, verifies every count and prints the verdict.

    Exit 0: every count exact, objectives met. 1: one is not. 3: inconclusive. 4: the environment failed.
    """
    with ExitStack() as ending:
        settings = _running_stack(context.obj, ports, ending)
        length = f"for {seconds:g} s" if seconds is not None else "until Ctrl-C"
        for line in addresses(context.obj, settings):
            say(line)
        say(f"sending {rate:g} events/s {length}")
        specification = load_bundled()
        # Canaries are for the live table: in the verdict stand the load's own events, timed one by one.
        probes = probes_of(settings, with_canaries=sys.stderr.isatty())
        load = GeneratedLoad(context.obj, settings, rate, seconds)
        checked = run_load_check(load, Observation(probes), specification, undrained=True)
        verdict = judge_run(specification, checked.recording, seconds or 0.0)
        code: ExitCode = report(checked, specification, verdict, format_)
        sys.stdout.flush()
    return code


def _running_stack(data_dir: Path, ports: PortChoice, ending: ExitStack) -> Settings:
    """The stack that runs, or one that is started now and stopped with `ending`."""
    try:
        return load_settings(data_dir)
    except StackNotRunning:
        stack = temporary_stack(data_dir, ports, historic=False, say=say, dashboard=True, monitoring=True)
        return ending.enter_context(stack)


def addresses(data_dir: Path, settings: Settings) -> Iterator[str]:
    """A line for each page that a browser can open while the demo runs: the dashboard and the exporter's metrics."""
    if settings.dashboard_url:
        yield f"dashboard at {settings.dashboard_url}"
    layout = Layout.of(data_dir)
    record, supervisor = Record.read(layout), Supervisor.find(layout)
    running = [] if supervisor is None else [process.name for process in supervisor.processes()]
    if record is not None and monitoring.EXPORTER in running:
        yield f"exporter at {monitoring.addresses(record.ports)[monitoring.EXPORTER]}/metrics"
