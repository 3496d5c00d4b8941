"""`adctr bench`: what the pipeline can do, measured on this machine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from compose.cli.bench.cache_reads import cache_reads
from compose.cli.bench.capacity import capacity
from compose.cli.bench.cost import cost
from compose.cli.bench.generator import generator
from compose.cli.bench.output import print_verdict
from compose.cli.bench.peers import peers
from compose.cli.bench.report import report as bench_report
from compose.cli.bench.soak import soak
from compose.cli.options import FormatOption
from compose.process.errors import EnvironmentFailed
from compose.terminal.format import Format
from compose.terminal.progress import say

if TYPE_CHECKING:
    from slo.verdict import RunVerdict

LATENCY_OBJECTIVES = ("counts_exact", "event_to_redis", "event_to_postgres")

bench = typer.Typer(no_args_is_help=True, help="Measures what the pipeline can do on this machine.")

KeepOption = Annotated[
    bool, typer.Option("--keep", help="Keep the full topic in DIR/bench-…, so that the next run need not load it.")
]


def register(app: typer.Typer) -> None:
    """Adds the group of commands."""
    bench.command("generator")(generator)
    bench.command("capacity")(capacity)
    bench.command("cost")(cost)
    bench.command("cache-reads")(cache_reads)
    bench.command("peers")(peers)
    bench.command("soak")(soak)
    bench.command("report")(bench_report)
    app.add_typer(bench, name="bench")


@bench.command("latency")
def latency(
    context: typer.Context,
    rate: Annotated[float, typer.Option(min=1, help="Events per second.")] = 5000.0,
    seconds: Annotated[float, typer.Option(min=1, help="How long to send.")] = 60.0,
    warm_up_seconds: Annotated[
        float, typer.Option("--warm-up", min=0, help="Seconds at the same rate before, counted but not timed.")
    ] = 60.0,
    format_: FormatOption = Format.TEXT,
) -> int:
    """Event → Redis and event → PostgreSQL for every event of a load on the running stack, counts verified.

    Exit 0: exact, and the objectives met. 1: not so. 3: void, for instance because the generator was late itself.
    """
    from compose.cli.check_report import report
    from compose.experiment.load_check import run_load_check, warm_up
    from compose.stack.state import load_settings
    from slo.spec.parse import load_bundled
    from slo.verdict import judge_run

    settings = load_settings(context.obj)
    say(f"warming up for {warm_up_seconds:g} s, not timed")
    warm_up(context.obj, rate, warm_up_seconds)
    say(f"sending {rate:g} events/s for {seconds:g} s")
    checked = run_load_check(context.obj, settings, rate, seconds, probes=(), undrained=True)
    specification = load_bundled().only(LATENCY_OBJECTIVES)
    return report(checked, specification, judge_run(specification, checked.recording, seconds), format_)


@bench.command("drain")
def drain(
    context: typer.Context,
    events: Annotated[int, typer.Option(min=1, help="How many events to preload and drain.")] = 20_000_000,
    repetitions: Annotated[int, typer.Option(min=1, help="Measured drains of each contender, by turns.")] = 3,
    keep: KeepOption = False,
    format_: FormatOption = Format.TEXT,
) -> int:
    """The live job against a hand-written loop: who drains a full topic into Redis faster, and at what cost.

    Starts a stack of its own in DIR/bench-drain. Exit 0: every count exact, and at least 3.5 times the events per
    second and 1.5 times the events per CPU-second of the loop.
    """
    from compose.experiment.flink_control import JobControl
    from compose.experiment.preloaded_stack import preloaded_stack
    from slo.bench.drain import compare
    from slo.bench.drain_run import DrainFailed

    with preloaded_stack(context.obj / "bench-drain", events, keep=keep, say=say) as stack:
        expected = stack.expected()
        # One TaskManager, so that the job finds the JVM that the warm-up has warmed up.
        stack.control.stop_task_manager("taskmanager-store")
        try:
            job = JobControl(stack.control, "live", "taskmanager-live")
            result = compare(stack.settings, job, expected, repetitions, say)
        except DrainFailed as error:
            raise EnvironmentFailed(str(error)) from error
    return _report(result.as_json(), result.verdict(), format_)


@bench.command("raw-copy")
def raw_copy(
    context: typer.Context,
    events: Annotated[int, typer.Option(min=1, help="How many events to preload and store.")] = 5_000_000,
    repetitions: Annotated[int, typer.Option(min=1, help="Measured loads.")] = 2,
    keep: KeepOption = False,
    format_: FormatOption = Format.TEXT,
) -> int:
    """Rows per second of raw_events by the store job, against a bare COPY of the same rows beside it.

    Starts a stack of its own in DIR/bench-raw-copy. Exit 0: at least 100,000 rows/s, or a quarter of the COPY's rate.
    """
    from compose.experiment.flink_control import JobControl
    from compose.experiment.preloaded_stack import preloaded_stack
    from slo.bench.raw_copy import LoadFailed, measure

    with preloaded_stack(context.obj / "bench-raw-copy", events, keep=keep, say=say) as stack:
        stack.control.stop_task_manager("taskmanager-live")
        rows = events + stack.settings.events_partitions  # each partition ends with a canary
        try:
            job = JobControl(stack.control, "store", "taskmanager-store")
            result = measure(stack.settings, job, rows, repetitions, say)
        except LoadFailed as error:
            raise EnvironmentFailed(str(error)) from error
    return _report(result.as_json(), result.verdict(), format_)


@bench.command("probes")
def probes(
    context: typer.Context,
    rate: Annotated[float, typer.Option(min=1, help="Events per second.")] = 5000.0,
    seconds: Annotated[float, typer.Option(min=1, help="How long to measure.")] = 60.0,
    format_: FormatOption = Format.TEXT,
) -> int:
    """CPU time of the exporter and all its probes, against that of brokers, stores and Flink under load.

    Starts a stack of its own in DIR/bench-probes. Exit 0: less than 2 %. 1: more. 3: void, because a process ended
    meanwhile or less was sent.
    """
    from compose.experiment.exporter_cost import measure

    cost = measure(context.obj / "bench-probes", rate, seconds, say)
    if format_ is Format.TEXT:
        for name, used in {"exporter": cost.probe_cpu_seconds, **cost.pipeline_cpu_seconds}.items():
            print(f"{name:<18} {used:8.2f} CPU-s in {cost.seconds:g} s")
        print(f"ratio {cost.ratio:.2%} at {cost.rate_achieved:,.0f} events/s")
    return _report(cost.as_json(), cost.verdict(), format_)


def _report(figures: Mapping[str, Any], verdict: RunVerdict, format_: Format) -> int:
    from compose.cli.check_report import EXIT_CODES

    if format_ is Format.JSON:
        print(json.dumps(figures, indent=2))
    else:
        print_verdict(verdict)
    return EXIT_CODES[verdict.verdict]
