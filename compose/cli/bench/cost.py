"""`adctr bench cost`: how CPU time, memory and checkpoints grow with rate, campaigns and parallelism."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import numpy as np
import psutil
import typer

from compose.cli.bench.output import OutOption, check_out, report_figures, write_out
from compose.cli.load.report import profile_of
from compose.cli.options import FormatOption
from compose.experiment.load_check import GeneratedLoad, run_load_check
from compose.experiment.load_check import warm_up as warm_up_load
from compose.experiment.load_process import LoadProcess
from compose.experiment.stack_processes import stack_processes
from compose.process.errors import EnvironmentFailed, UsageError
from compose.stack.layout import Layout
from compose.stack.lifecycle import temporary_stack, throwaway_directory
from compose.stack.ports import PortChoice
from compose.terminal.format import Format
from compose.terminal.progress import say
from loadgen.population import DEFAULT_SEED, make_population
from pipeline.contract.cache_schema import PREFIX
from pipeline.settings import ENV_PREFIX, Settings
from slo.bench.cost import CostPoint, CostResult, Setting, settings_to_measure
from slo.bench.cpu_meter import ProcessGone
from slo.bench.host import this_machine
from slo.bench.process_meter import ProcessMeter
from slo.check import Checked, Observation, Watch
from slo.latency.figures import figures
from slo.latency.sample import Cell, sample
from slo.probes.checkpoints import Checkpoints
from slo.probes.clients import admin_client
from slo.probes.consumer_lag import ConsumerLag
from slo.probes.redis_server import RedisServer
from slo.report.benchmark_tables import cost_rows
from slo.spec.model import Indicator
from slo.spec.parse import load_bundled
from slo.verdict import judge_run

JVM_WARM_UP_SECONDS = 45.0
"""Of the usual load at the point's rate, before all else: a new JVM competes with its own compiler."""
OBJECTIVES = ("counts_exact", "event_to_redis", "event_to_postgres", "checkpoint_size", "redis_memory", "consumer_lag")
"""Those that half a minute can judge."""


def cost(
    context: typer.Context,
    rates: Annotated[str, typer.Option(help="Rates in events/s, separated by commas; empty: no such curve.")] = (
        "5000,10000,20000,40000"
    ),
    campaigns: Annotated[str, typer.Option(help="Numbers of campaigns.")] = "100,1000,10000,100000",
    parallelism: Annotated[str, typer.Option(help="Subtasks of each job.")] = "1,2",
    base_rate: Annotated[float, typer.Option(min=100, help="Events/s while something else is varied.")] = 10_000.0,
    base_campaigns: Annotated[int, typer.Option(min=1, help="Campaigns while something else is varied.")] = 200,
    seconds: Annotated[float, typer.Option(min=10, help="Seconds that each point is measured.")] = 60.0,
    warm_up: Annotated[float, typer.Option(min=0, help="Seconds of the same load before that.")] = 60.0,
    out: OutOption = None,
    format_: FormatOption = Format.TEXT,
) -> int:
    """Measures CPU-seconds per million events by process, memory and checkpoint size, each load on a new stack.

    The stacks live in DIR/bench-cost. Exit 0: every count of every point exact, and the objectives kept that a run of
    this length can judge. 1: not so. 3: nothing certain, for instance because the generator was late.
    """
    check_out(out)
    wanted = settings_to_measure(
        Setting(base_rate, base_campaigns, 1),
        [float(each) for each in _numbers("--rates", rates)],
        _numbers("--campaigns", campaigns),
        _numbers("--parallelism", parallelism),
    )
    if not wanted:
        raise UsageError("--rates, --campaigns and --parallelism are all empty: nothing to measure")
    machine = this_machine()
    points = [_measured(context.obj / "bench-cost", each, seconds, warm_up) for each in wanted]
    result = CostResult(points, machine)
    write_out(out, result.as_json())
    rows = cost_rows([point.as_json() for point in points], "rate", "campaigns", "parallelism")
    return report_figures(result.as_json(), result.verdict(), format_, rows)


def _numbers(option: str, text: str) -> list[int]:
    try:
        numbers = [int(each) for each in text.split(",") if each.strip()]
    except ValueError:
        numbers = [0]
    if any(number < 1 for number in numbers):
        raise UsageError(f"{option} {text!r}: must be whole numbers from 1 on, separated by commas")
    return numbers


def _measured(directory: Path, setting: Setting, seconds: float, warm_up: float) -> CostPoint:
    """One point on a stack of its own, which is removed afterwards."""
    say(f"{setting.rate:,.0f} events/s, {setting.campaigns:,} campaigns, parallelism {setting.parallelism}")
    environ = {**os.environ, f"{ENV_PREFIX}PARALLELISM": str(setting.parallelism)}
    with (
        throwaway_directory(directory) as layout,
        temporary_stack(layout.root, PortChoice.AUTO, historic=False, say=_silent, environ=environ) as settings,
    ):
        warm_up_load(layout.root, setting.rate, JVM_WARM_UP_SECONDS)
        return _under_load(layout, settings, setting, seconds, warm_up)


def _under_load(layout: Layout, settings: Settings, setting: Setting, seconds: float, warm_up: float) -> CostPoint:
    meters: list[ProcessMeter] = []
    with ExitStack() as metering:

        def meter(_watch: Watch, load: LoadProcess) -> None:
            roots = {**stack_processes(layout), "generator": psutil.Process(load.pid)}
            meters.append(metering.enter_context(ProcessMeter(roots)))

        options = ("--campaigns", str(setting.campaigns), "--seed", str(DEFAULT_SEED))
        probes = (Checkpoints(settings), ConsumerLag(settings), RedisServer(settings))
        checked = run_load_check(
            GeneratedLoad(layout.root, settings, setting.rate, warm_up + seconds, options, during=meter),
            Observation(probes, cells=_watched(setting.campaigns)),
        )
    return _point(setting, seconds, checked, meters[0], _live_cells(settings))


def _watched(campaigns: int) -> Sequence[Cell] | None:
    """The cells whose events are timed: all, or where there are too many a sample."""
    profile = profile_of("steady")
    found = make_population(DEFAULT_SEED, campaigns, profile.zipf_exponent, profile.hot_share, profile.ads_per_campaign)
    return sample(
        [(name, found.categories[of]) for name, of in zip(found.campaigns, found.campaign_category, strict=True)]
    )


def _point(setting: Setting, seconds: float, checked: Checked, meter: ProcessMeter, cells: int) -> CostPoint:
    load, report = checked.load, checked.report
    assert load is not None
    assert report is not None
    # Its last second is the generator waiting for answers and ending.
    ended = checked.recording.ended - 1.0
    began = ended - seconds + 1.0
    try:
        cpu = meter.cpu_seconds(began, ended)
    except ProcessGone as error:
        raise EnvironmentFailed(f"void: {error}") from error
    recording = checked.recording.last(seconds)
    verdict = judge_run(load_bundled().only(OBJECTIVES), recording)
    return CostPoint(
        rate=setting.rate,
        campaigns=setting.campaigns,
        parallelism=setting.parallelism,
        seconds=ended - began,
        rate_achieved=load.rate_achieved,
        send_delay_p99_seconds=load.send_delay.p99,
        cpu_seconds=cpu,
        memory_bytes=meter.peak_bytes(began, ended),
        checkpoint_bytes=_most(checked, Indicator.CHECKPOINT_SIZE),
        redis_bytes=_most(checked, Indicator.REDIS_MEMORY),
        live_cells=cells,
        event_to_redis_p99_seconds=figures(recording.series[Indicator.EVENT_TO_REDIS].values).p99,
        event_to_postgres_p99_seconds=figures(recording.series[Indicator.EVENT_TO_POSTGRES].values).p99,
        differences=report.found.total,
        objectives={each.name: each.verdict.value for each in verdict.objectives},
    )


def _most(checked: Checked, indicator: Indicator) -> float | None:
    values = checked.recording.series[indicator].values
    return None if np.isnan(values).all() else float(np.nanmax(values))


def _live_cells(settings: Settings) -> int:
    """Cells of all windows in Redis."""
    connection = admin_client(settings)
    cells = sum(int(connection.hlen(key)) for key in connection.scan_iter(match=f"{PREFIX}:{{*}}:cells", count=1000))
    connection.close()
    return cells


def _silent(_line: str) -> None:
    """A stack's start, of which there are a dozen, is no news."""
