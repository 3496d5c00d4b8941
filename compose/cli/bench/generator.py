"""`adctr bench generator`: how many events a generator process can send, and what they cost."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from compose.cli.check_report import EXIT_CODES
from compose.cli.load.report import ProfileOption, profile_of
from compose.cli.options import FormatOption
from compose.cli.shown import show
from compose.experiment.flink_control import FlinkControl
from compose.process.errors import EnvironmentFailed
from compose.stack.layout import STACK_DIR_VARIABLE, Layout
from compose.stack.lifecycle import require_nobody_running, temporary_stack
from compose.stack.ports import PortChoice
from compose.stack.services.flink import TASK_MANAGERS
from compose.terminal.format import Format
from compose.terminal.progress import say
from slo.bench.generator import FIGURES, GeneratorResult, GeneratorRun


def generator(
    context: typer.Context,
    seconds: Annotated[float, typer.Option(min=1, help="Seconds that each run sends.")] = 10.0,
    repetitions: Annotated[int, typer.Option(min=1, help="Measured runs, after one of warm-up.")] = 3,
    processes: Annotated[int, typer.Option(min=1, max=64, help="Processes that send together.")] = 1,
    profile: ProfileOption = "steady",
    format_: FormatOption = Format.TEXT,
) -> int:
    """Measures the generator at full speed, in closed loop, against a real broker whose topic has no reader.

    Starts a stack of its own in DIR/bench-generator. Exit 0: at least 250,000 acknowledged events/s per process.
    """
    profile_of(profile)
    result = GeneratorResult(_runs(context.obj / "bench-generator", seconds, repetitions, processes, profile))
    show(result.as_json(), format_, lambda: _print(result))
    return EXIT_CODES[result.verdict().verdict]


def _runs(directory: Path, seconds: float, repetitions: int, processes: int, profile: str) -> list[GeneratorRun]:
    layout = Layout.of(directory)
    require_nobody_running(layout)
    try:
        with temporary_stack(layout.root, PortChoice.AUTO, historic=False, say=say) as settings:
            control = FlinkControl(layout, settings)
            control.end_everything()
            for name in TASK_MANAGERS:
                control.stop_task_manager(name)
            runs = []
            for number in range(repetitions + 1):
                runs.append(_one_run(layout.root, seconds, processes, profile))
                say(f"{f'{number}/{repetitions}' if number else 'warm-up'}: {runs[-1].events_per_second:,.0f} events/s")
            return runs[1:]
    finally:
        shutil.rmtree(layout.root, ignore_errors=True)


def _one_run(directory: Path, seconds: float, processes: int, profile: str) -> GeneratorRun:
    command = [sys.executable, "-m", "compose.cli", "--data-dir", str(directory), "load", "full-speed"]
    command += ["--seconds", repr(seconds), "--processes", str(processes), "--profile", profile, "--format", "json"]
    environment = {**os.environ, STACK_DIR_VARIABLE: str(directory)}
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=environment, check=False)
    try:
        report = json.loads(done.stdout)
    except ValueError:
        raise EnvironmentFailed(f"the load ended with exit code {done.returncode}; its message is above") from None
    Path(report["ledger"]).unlink(missing_ok=True)
    shutil.rmtree(f"{report['ledger']}.parts", ignore_errors=True)
    return GeneratorRun(
        processes=processes,
        events=report["acknowledged"],
        failed=report["failed"],
        wall_seconds=report["sent"] / report["rate_achieved"],
        cpu_seconds=report["cpu_seconds"],
    )


def _print(result: GeneratorResult) -> None:
    print(f"{'run':<8}" + "".join(f"{figure.replace('_', ' '):>32}" for figure in FIGURES))
    for number, run in enumerate(result.runs, 1):
        print(f"{number:<8}" + "".join(f"{getattr(run, figure):>32,.0f}" for figure in FIGURES))
    print(f"{'median':<8}" + "".join(f"{result.median(figure):>32,.0f}" for figure in FIGURES))
    spreads = [result.spread(figure) for figure in FIGURES]
    print(f"{'spread':<8}" + "".join(f"{f'{low:,.0f} – {high:,.0f}':>32}" for low, high in spreads))
    for each in result.verdict().objectives:
        print(f"{each.name}: {each.verdict.value}{f' ({each.reason})' if each.reason else ''}")
