"""`adctr bench drain` and `raw-copy`: a full topic, and how fast it is drained."""

from __future__ import annotations

from typing import Annotated

import typer

from compose.cli.bench.output import report_figures
from compose.cli.options import FormatOption
from compose.experiment.flink_control import JobControl
from compose.experiment.preloaded_stack import preloaded_stack
from compose.process.errors import EnvironmentFailed
from compose.terminal.format import Format
from compose.terminal.progress import say
from slo.bench.drain import compare
from slo.bench.drain_run import DrainFailed
from slo.bench.raw_copy import LoadFailed, measure

KeepOption = Annotated[
    bool, typer.Option("--keep", help="Keep the full topic in DIR/bench-…, so that the next run need not load it.")
]


def drain(
    context: typer.Context,
    events: Annotated[int, typer.Option(min=1, help="Number of events to preload and drain.")] = 20_000_000,
    repetitions: Annotated[int, typer.Option(min=1, help="Measured drains of each contender, interleaved.")] = 3,
    keep: KeepOption = False,
    format_: FormatOption = Format.TEXT,
) -> int:
    """Compares the live job with a hand-written loop: speed and CPU cost of draining a full topic into Redis.

    Starts a stack of its own in DIR/bench-drain. Exit 0: every count exact, and at least 3.5 times the events per
    second and 1.5 times the events per CPU-second of the loop.
    """
    with preloaded_stack(context.obj / "bench-drain", events, keep=keep, say=say) as stack:
        expected = stack.expected()
        # One TaskManager, so that the job finds the JVM that the warm-up has warmed up.
        stack.control.stop_task_manager("taskmanager-store")
        try:
            job = JobControl(stack.control, "live", "taskmanager-live")
            result = compare(stack.settings, job, expected, repetitions, say)
        except DrainFailed as error:
            raise EnvironmentFailed(str(error)) from error
    return report_figures(result.as_json(), result.verdict(), format_)


def raw_copy(
    context: typer.Context,
    events: Annotated[int, typer.Option(min=1, help="Number of events to preload and store.")] = 5_000_000,
    repetitions: Annotated[int, typer.Option(min=1, help="Measured loads.")] = 2,
    keep: KeepOption = False,
    format_: FormatOption = Format.TEXT,
) -> int:
    """Compares the store job's rows per second into raw_events with a bare COPY of the same rows.

    Starts a stack of its own in DIR/bench-raw-copy. Exit 0: at least 100,000 rows/s, or a quarter of the COPY's rate.
    """
    with preloaded_stack(context.obj / "bench-raw-copy", events, keep=keep, say=say) as stack:
        stack.control.stop_task_manager("taskmanager-live")
        rows = events + stack.settings.events_partitions  # each partition ends with a canary
        try:
            job = JobControl(stack.control, "store", "taskmanager-store")
            result = measure(stack.settings, job, rows, repetitions, say)
        except LoadFailed as error:
            raise EnvironmentFailed(str(error)) from error
    return report_figures(result.as_json(), result.verdict(), format_)
