"""`adctr bench cache-reads`: what the read API costs over bare Redis commands, while a load runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from compose.cli.bench.output import OutOption, check_out, report_figures, write_out
from compose.cli.options import FormatOption
from compose.experiment.load_check import GeneratedLoad, run_load_check, warm_up
from compose.stack.lifecycle import temporary_stack, throwaway_directory
from compose.stack.ports import PortChoice
from compose.terminal.format import Format
from compose.terminal.progress import say
from slo.bench.cache_reads import CacheReadsResult, PairedReads
from slo.bench.host import this_machine
from slo.check import Observation
from slo.report.benchmark_tables import cache_read_rows


def cache_reads(
    context: typer.Context,
    rate: Annotated[float, typer.Option(help="Events per second during the reads.", min=1)] = 20_000.0,
    seconds: Annotated[float, typer.Option(min=10, help="Seconds to read.")] = 120.0,
    warm_up: Annotated[float, typer.Option(min=0, help="Seconds of the same load before that.")] = 60.0,
    out: OutOption = None,
    format_: FormatOption = Format.TEXT,
) -> int:
    """Compares the dashboard's reads through the read API with bare reads of the same keys, interleaved.

    Starts a stack of its own in DIR/bench-cache-reads. Exit 0: every count exact, every read answered by Redis, and
    the API's p99 at most 1.5 times the bare one's, with its interval. 1: not so. 3: too few reads, or the interval
    reaches further.
    """
    check_out(out)
    result = _measured(context.obj / "bench-cache-reads", rate, seconds, warm_up)
    write_out(out, result.as_json())
    return report_figures(result.as_json(), result.verdict(), format_, cache_read_rows(result.as_json()))


def _measured(directory: Path, rate: float, seconds: float, warm_up_seconds: float) -> CacheReadsResult:
    machine = this_machine()
    with (
        throwaway_directory(directory) as layout,
        temporary_stack(layout.root, PortChoice.AUTO, historic=False, say=say) as settings,
    ):
        say(f"warming up at {rate:,.0f} events/s for {warm_up_seconds:g} s")
        warm_up(layout.root, rate, warm_up_seconds)
        say(f"reading for {seconds:g} s beside {rate:,.0f} events/s")
        reads = PairedReads(settings)
        checked = run_load_check(GeneratedLoad(layout.root, settings, rate, seconds), Observation([reads]))
    assert checked.load is not None
    assert checked.report is not None
    began, ended = checked.recording.began, checked.recording.ended
    pairs = [each for each in reads.pairs if began <= each.at <= ended]
    return CacheReadsResult(rate, checked.load.rate_achieved, pairs, reads.missed, checked.report.found.total, machine)
