"""`adctr load`: events for a running stack, in open loop or as a preload."""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from compose.cli.durations import parse_duration_seconds
from compose.cli.load.report import (
    CampaignsOption,
    FractionOption,
    LedgerOption,
    ProfileOption,
    SeedOption,
    carry_out,
    exit_code,
    finish,
    plan_of,
    profile_of,
    show_progress,
)
from compose.cli.options import FormatOption
from compose.experiment.load_workers import parse_part, part_report, run_in_parts, wait_for_start
from compose.process.errors import UsageError
from compose.stack.state import load_settings
from compose.terminal.format import Format
from loadgen.full_speed import run_full_speed
from loadgen.historic import historic as preload
from loadgen.historic import latest_end_ms
from loadgen.live import refuse_historic, run_live, soon_ns
from loadgen.pacer import pacer_of
from loadgen.population import DEFAULT_SEED
from loadgen.profiles import Profile, bundled_names
from loadgen.run import LoadPlan, LoadResult
from pipeline.settings import Settings

ProcessesOption = Annotated[
    int, typer.Option(min=1, max=64, help="Number of sending processes; each campaign belongs to one.")
]
PartOption = Annotated[str | None, typer.Option(hidden=True)]
RunIdOption = Annotated[str | None, typer.Option(hidden=True)]


@dataclass(frozen=True)
class _Shares:
    """The options about processes: how many, or which part of how many this one is."""

    processes: int
    part: str | None
    run_id: str | None

    def plan(self, plan: LoadPlan) -> LoadPlan:
        if self.part is None or self.run_id is None:
            return plan
        return replace(plan, part=parse_part(self.part), run_id=self.run_id)


Send = Callable[[threading.Event, "LoadPlan", Callable[[], int]], "LoadResult"]


def run(
    context: typer.Context,
    rate: Annotated[float, typer.Option(help="Events per second, impressions and clicks together.")],
    seconds: Annotated[float | None, typer.Option(help="Seconds to send; default: until Ctrl-C.")] = None,
    seed: SeedOption = DEFAULT_SEED,
    profile: ProfileOption = "steady",
    ledger: LedgerOption = None,
    processes: ProcessesOption = 1,
    late_fraction: FractionOption = None,
    out_of_order_fraction: FractionOption = None,
    invalid_fraction: FractionOption = None,
    campaigns: CampaignsOption = None,
    part: PartOption = None,
    run_id: RunIdOption = None,
    format_: FormatOption = Format.TEXT,
) -> int:
    """Sends open-loop load: every event leaves on schedule, whatever the stack does.

    Exit 0: all acknowledged. 1: some were not. 130: interrupted (the ledger is complete).
    """
    if not 0 < rate < math.inf or (seconds is not None and not 0 < seconds < math.inf):
        raise UsageError(f"--rate {rate:g} --seconds {seconds}: both must be numbers above 0")
    traffic = profile_of(profile, campaigns, late_fraction, out_of_order_fraction, invalid_fraction)
    settings = load_settings(context.obj)

    def send(stop: threading.Event, plan: LoadPlan, start: Callable[[], int]) -> LoadResult:
        return run_live(settings, plan, pacer_of(rate, seconds, plan.profile.curve), stop, show_progress(), start)

    overrides = {
        "--late-fraction": late_fraction,
        "--out-of-order-fraction": out_of_order_fraction,
        "--invalid-fraction": invalid_fraction,
        "--campaigns": campaigns,
        "--seconds": seconds,
    }
    command = ["run", "--rate", repr(rate), "--profile", profile, "--seed", str(seed), *_arguments(overrides)]

    def new_plan() -> LoadPlan:
        return plan_of(context.obj, traffic, seed, ledger)

    shares = _Shares(processes, part, run_id)
    return _load(context.obj, command, new_plan, shares, send, format_, endless=seconds is None)


def full_speed(
    context: typer.Context,
    seconds: Annotated[float, typer.Option(min=0.1, help="How long to send.")] = 10.0,
    seed: SeedOption = DEFAULT_SEED,
    profile: ProfileOption = "steady",
    ledger: LedgerOption = None,
    processes: ProcessesOption = 1,
    part: PartOption = None,
    run_id: RunIdOption = None,
    format_: FormatOption = Format.TEXT,
) -> int:
    """Sends closed-loop load, as fast as the broker acknowledges. Measures the generator, not latency."""
    traffic = profile_of(profile)
    settings = load_settings(context.obj)

    def send(stop: threading.Event, plan: LoadPlan, start: Callable[[], int]) -> LoadResult:
        return run_full_speed(settings, plan, seconds, stop, show_progress(), start)

    command = ["full-speed", "--seconds", repr(seconds), "--profile", profile, "--seed", str(seed)]

    def new_plan() -> LoadPlan:
        return plan_of(context.obj, traffic, seed, ledger)

    return _load(context.obj, command, new_plan, _Shares(processes, part, run_id), send, format_)


def _load(
    data_dir: Path,
    command: list[str],
    new_plan: Callable[[], LoadPlan],
    shares: _Shares,
    send: Send,
    format_: Format,
    *,
    endless: bool = False,
) -> int:
    """A run by this process, by several, or by this one as part of several."""

    def start(stop: threading.Event) -> LoadResult:
        plan = shares.plan(new_plan())
        if shares.part is not None:
            return send(stop, plan, lambda: wait_for_start(stop))
        if shares.processes == 1:
            return send(stop, plan, soon_ns)
        refuse_historic(load_settings(data_dir))
        whole = ["--data-dir", str(data_dir), "load", *command]
        return run_in_parts(whole, plan, shares.processes, soon_ns, stop)

    result = carry_out(start)
    if shares.part is not None:
        print(part_report(result))
        return exit_code(result, endless=endless)
    return finish(result, format_, endless=endless)


def _arguments(options: dict[str, float | None]) -> list[str]:
    return [text for name, value in options.items() if value is not None for text in (name, repr(value))]


def historic(
    context: typer.Context,
    events: Annotated[int, typer.Option(help="Number of events.")],
    span: Annotated[str, typer.Option(help="Time that the events cover, for example 30m.")] = "30m",
    end: Annotated[
        str | None,
        typer.Option(help="Where the span ends, ISO 8601 with time zone; default: the last full 5 minutes."),
    ] = None,
    seed: SeedOption = DEFAULT_SEED,
    profile: ProfileOption = "steady",
    ledger: LedgerOption = None,
    campaigns: CampaignsOption = None,
    format_: FormatOption = Format.TEXT,
) -> int:
    """Preloads old events, as fast as possible, into the empty topic of a stack started with `up --historic`.

    Events spread evenly over the span; of a profile's rate over time only the mean is used.
    """
    traffic = profile_of(profile, campaigns)
    settings = load_settings(context.obj)
    span_seconds, end_ms = parse_duration_seconds("--span", span), _end_ms(end, settings)

    def start(stop: threading.Event) -> LoadResult:
        plan = plan_of(context.obj, traffic, seed, ledger)
        return preload(settings, plan, events, span_seconds, end_ms, stop, show_progress())

    return finish(carry_out(start), format_)


def _end_ms(text: str | None, settings: Settings) -> int:
    if text is None:
        return latest_end_ms(time.time_ns() // 1_000_000, settings)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise UsageError(f"--end {text}: must be like 2026-01-31T12:00:00Z")
    return int(moment.timestamp() * 1000)


def profiles(format_: FormatOption = Format.TEXT) -> None:
    """Lists the profiles that come with this installation. docs/load.md says how to write one."""
    found = [profile_of(name) for name in bundled_names()]
    if format_ is Format.JSON:
        print(json.dumps({"profiles": [_described(each) for each in found]}, indent=2))
        return
    for each in found:
        print(f"{each.name:<15} {each.description}")


def _described(profile: Profile) -> dict[str, Any]:
    curve = profile.curve
    return {
        "name": profile.name,
        "description": profile.description,
        "campaigns": profile.campaigns,
        "rate_mean_times": 1.0 if curve is None else curve.mean_times,
        "rate_highest_times": 1.0 if curve is None else curve.highest_times,
    }
