"""`adctr bench latency` and `probes`: a load on a stack, and what it costs to watch it."""

from __future__ import annotations

from typing import Annotated

import typer

from compose.cli.bench.output import report_figures
from compose.cli.check_report import report
from compose.cli.options import FormatOption
from compose.experiment.exporter_cost import measure
from compose.experiment.load_check import GeneratedLoad, run_load_check, warm_up
from compose.stack.state import load_settings
from compose.terminal.format import Format
from compose.terminal.progress import say
from slo.check import Observation
from slo.spec.parse import load_bundled
from slo.verdict import judge_run

LATENCY_OBJECTIVES = ("counts_exact", "event_to_redis", "event_to_postgres")


def latency(
    context: typer.Context,
    rate: Annotated[float, typer.Option(min=1, help="Events per second.")] = 5000.0,
    seconds: Annotated[float, typer.Option(min=1, help="How long to send.")] = 60.0,
    warm_up_seconds: Annotated[
        float, typer.Option("--warm-up", min=0, help="Seconds of the same load before that, verified but not timed.")
    ] = 60.0,
    format_: FormatOption = Format.TEXT,
) -> int:
    """Times every event of a load on the running stack into Redis and PostgreSQL, and verifies the counts.

    Exit 0: exact, objectives met. 1: one is not. 3: void, for example because the generator was late.
    """
    settings = load_settings(context.obj)
    say(f"warming up for {warm_up_seconds:g} s, not timed")
    warm_up(context.obj, rate, warm_up_seconds)
    say(f"sending {rate:g} events/s for {seconds:g} s")
    checked = run_load_check(
        GeneratedLoad(context.obj, settings, rate, seconds),
        Observation(),
        undrained=True,
    )
    specification = load_bundled().only(LATENCY_OBJECTIVES)
    return report(checked, specification, judge_run(specification, checked.recording, seconds), format_)


def probes(
    context: typer.Context,
    rate: Annotated[float, typer.Option(min=1, help="Events per second.")] = 5000.0,
    seconds: Annotated[float, typer.Option(min=1, help="Seconds to measure.")] = 60.0,
    format_: FormatOption = Format.TEXT,
) -> int:
    """Compares the CPU time of the exporter and its probes with that of broker, stores and Flink under load.

    Starts a stack of its own in DIR/bench-probes. Exit 0: less than 2 %. 1: more. 3: void, because a process ended
    meanwhile or less was sent.
    """
    cost = measure(context.obj / "bench-probes", rate, seconds, say)
    if format_ is Format.TEXT:
        for name, used in {"exporter": cost.probe_cpu_seconds, **cost.pipeline_cpu_seconds}.items():
            print(f"{name:<18} {used:8.2f} CPU-s in {cost.seconds:g} s")
        print(f"ratio {cost.ratio:.2%} at {cost.rate_achieved:,.0f} events/s")
    return report_figures(cost.as_json(), cost.verdict(), format_)
