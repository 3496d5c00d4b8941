"""`adctr demo`: the whole thing in one command, ended by its own verdict."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from compose.cli.options import FormatOption
from compose.process.errors import StackNotRunning
from compose.process.exit_codes import ExitCode
from compose.stack.ports import PortChoice
from compose.terminal.format import Format
from compose.terminal.progress import say

if TYPE_CHECKING:
    from pipeline.settings import Settings


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("demo")(demo)


def demo(
    context: typer.Context,
    seconds: Annotated[
        float | None, typer.Option(min=1, help="How long to send; without it until Ctrl-C.", show_default=False)
    ] = None,
    rate: Annotated[float, typer.Option(min=1, help="Events per second.")] = 5000.0,
    ports: Annotated[PortChoice, typer.Option(help="The well-known ports or free ones.")] = PortChoice.DEFAULT,
    format_: FormatOption = Format.TEXT,
) -> int:
    """Starts the stack unless it runs, sends events, watches each of them arrive, verifies and judges.

    Exit 0: every count exact and the objectives met. 1: not so. 3: not enough to say. 4: the machine is in the way.
    """
    from compose.cli.check_report import report
    from compose.experiment.load_check import run_load_check
    from slo.probes.catalogue import probes_of
    from slo.spec.parse import load_bundled
    from slo.verdict import judge_run

    with ExitStack() as ending:
        settings = _running_stack(context.obj, ports, ending)
        length = f"for {seconds:g} s" if seconds is not None else "until Ctrl-C"
        if settings.dashboard_url:
            say(f"dashboard at {settings.dashboard_url}")
        say(f"sending {rate:g} events/s {length}")
        specification = load_bundled()
        # Canaries are for the live table: in the verdict stand the load's own events, timed one by one.
        probes = probes_of(settings, with_canaries=sys.stderr.isatty())
        checked = run_load_check(context.obj, settings, rate, seconds, probes, shown=specification, undrained=True)
        verdict = judge_run(specification, checked.recording, seconds or 0.0)
        code: ExitCode = report(checked, specification, verdict, format_)
        sys.stdout.flush()
    return code


def _running_stack(data_dir: Path, ports: PortChoice, ending: ExitStack) -> Settings:
    """The stack that runs, or one that is started now and stopped with `ending`."""
    from compose.stack.lifecycle import temporary_stack
    from compose.stack.state import load_settings

    try:
        return load_settings(data_dir)
    except StackNotRunning:
        return ending.enter_context(temporary_stack(data_dir, ports, historic=False, say=say, dashboard=True))
