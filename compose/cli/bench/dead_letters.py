"""`adctr bench dead-letters`: what bad records cost."""

from __future__ import annotations

from typing import Annotated

import psutil
import typer

from compose.cli.check_report import EXIT_CODES
from compose.cli.options import FormatOption
from compose.cli.shown import show
from compose.process.errors import EnvironmentFailed
from compose.stack.lifecycle import temporary_stack, throwaway_directory
from compose.stack.ports import PortChoice
from compose.stack.services.flink import TASK_MANAGERS
from compose.stack.status import status
from compose.terminal.format import Format
from compose.terminal.progress import say
from pipeline.flink_checkpoints import NoCheckpoint
from slo.bench.dead_letters import DeadLettersResult, measure
from slo.reconciliation.verify import UNAVAILABLE
from slo.reconciliation.wait_drained import JobsStuck, NotDrained


def dead_letters(
    context: typer.Context,
    rate: Annotated[float, typer.Option(min=100, help="Records per second, bad ones included.")] = 10_000.0,
    seconds: Annotated[float, typer.Option(min=5, help="Seconds of each load.")] = 30.0,
    pairs: Annotated[int, typer.Option(min=1, help="Number of clean and of bad loads; they are interleaved.")] = 3,
    format_: FormatOption = Format.TEXT,
) -> int:
    """Compares load without bad records to load with 1 % of each kind, interleaved, on a stack in DIR/bench-….

    Exit 0: each bad record once in the dead-letter topic, no restart, exact, and less than 5 % of the records per
    second lost. 3: the generator was too slow to say.
    """
    try:
        with (
            throwaway_directory(context.obj / "bench-dead-letters") as layout,
            temporary_stack(layout.root, PortChoice.AUTO, historic=False, say=say) as settings,
        ):
            pids = [row["pid"] for row in status(layout)["services"] if row["name"] in TASK_MANAGERS]
            outcome = measure(settings, rate, seconds, pairs, [psutil.Process(pid) for pid in pids], say)
    except (NoCheckpoint, NotDrained, JobsStuck, RuntimeError, *UNAVAILABLE) as error:
        raise EnvironmentFailed(str(error)) from error
    show(outcome.as_json(), format_, lambda: _print(outcome))
    return EXIT_CODES[outcome.verdict]


def _print(outcome: DeadLettersResult) -> None:
    print(f"{'':8}{'records':>12}{'bad':>10}{'sent/s':>12}{'records/s':>12}{'CPU s':>10}")
    for load in outcome.loads:
        figures = f"{load.records:>12,}{load.bad:>10,}{load.rate_achieved:>12,.0f}{load.records_per_second:>12,.0f}"
        print(f"{'bad' if load.bad else 'clean':8}{figures}{load.cpu_seconds:>10.1f}")
    print(f"throughput lost {outcome.loss:.1%}, CPU of both jobs × {outcome.cpu_ratio:.2f}, {len(outcome.kinds)} kinds")
    print(
        f"{outcome.bad:,} bad records, {outcome.dead_lettered:,} dead-lettered in {outcome.letters:,} dead letters, "
        f"{outcome.differences:,} differences, {outcome.restarts} restarts"
    )
    print(f"verdict: {outcome.verdict.value}")
