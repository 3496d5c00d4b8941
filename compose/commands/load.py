"""`adctr load`: events for a running stack, in open loop or as a preload."""

from __future__ import annotations

import gc
import json
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from compose.cli import Format, FormatOption
from compose.durations import parse_duration_seconds
from compose.errors import EnvironmentFailed, UsageError
from compose.exit_codes import ExitCode

if TYPE_CHECKING:
    from loadgen.profiles import Profile
    from loadgen.run import LoadResult, Progress
    from pipeline.settings import Settings

_BEHIND_SECONDS = 0.5

load = typer.Typer(no_args_is_help=True, help="Generates load and keeps a ledger of the truth about it.")


def register(app: typer.Typer) -> None:
    """Adds the group of commands."""
    app.add_typer(load, name="load")


LedgerOption = Annotated[
    Path | None, typer.Option(help="New file for the truth about the run; default DIR/ledgers/<run id>.ledger.")
]
SeedOption = Annotated[int, typer.Option(help="Same seed, same events.", min=0)]
ProfileOption = Annotated[str, typer.Option(help="What the traffic is like: steady or disorder.")]
FractionOption = Annotated[float | None, typer.Option(help="Share of all events, 0 to 1; overrides the profile.")]
CampaignsOption = Annotated[int | None, typer.Option(help="How many campaigns; overrides the profile.", min=1)]


@load.command("run")
def run(
    context: typer.Context,
    rate: Annotated[float, typer.Option(help="Events per second, impressions and clicks together.")],
    seconds: Annotated[float | None, typer.Option(help="How long; without it until Ctrl-C.")] = None,
    seed: SeedOption = 1,
    profile: ProfileOption = "steady",
    ledger: LedgerOption = None,
    late_fraction: FractionOption = None,
    out_of_order_fraction: FractionOption = None,
    invalid_fraction: FractionOption = None,
    campaigns: CampaignsOption = None,
    format_: FormatOption = Format.TEXT,
) -> int:
    """Open-loop load: every event is sent when the schedule says so, whatever the stack does.

    Exit 0: all acknowledged. 1: some were not. 130: interrupted (the ledger is closed cleanly all the same).
    """
    from compose.stack.state import load_settings
    from loadgen.live import run_live
    from loadgen.pacer import SteadyPacer

    if rate <= 0 or (seconds is not None and seconds <= 0):
        raise UsageError(f"--rate {rate:g} --seconds {seconds}: both must be more than 0")
    settings = load_settings(context.obj)

    def start(stop: threading.Event) -> LoadResult:
        traffic = _profile(profile, campaigns, late_fraction, out_of_order_fraction, invalid_fraction)
        plan = _plan(context.obj, traffic, seed, ledger)
        return run_live(settings, plan, SteadyPacer(rate, seconds), stop, _show_progress())

    return _finish(_carry_out(start), format_, endless=seconds is None)


@load.command("historic")
def historic(
    context: typer.Context,
    events: Annotated[int, typer.Option(help="How many events.")],
    span: Annotated[str, typer.Option(help="The time that they cover, for example 30m.")] = "30m",
    end: Annotated[
        str | None,
        typer.Option(help="Where the span ends, ISO 8601 with time zone; default: the last full 5 minutes."),
    ] = None,
    seed: SeedOption = 1,
    profile: ProfileOption = "steady",
    ledger: LedgerOption = None,
    campaigns: CampaignsOption = None,
    format_: FormatOption = Format.TEXT,
) -> int:
    """Preloads old events, as fast as possible, into the empty topic of a stack started with `up --historic`."""
    from compose.stack.state import load_settings
    from loadgen.historic import historic as preload

    settings = load_settings(context.obj)
    span_seconds, end_ms = parse_duration_seconds("--span", span), _end_ms(end, settings)

    def start(stop: threading.Event) -> LoadResult:
        plan = _plan(context.obj, _profile(profile, campaigns, None, None, None), seed, ledger)
        return preload(settings, plan, events, span_seconds, end_ms, stop, _show_progress())

    return _finish(_carry_out(start), format_, endless=False)


def _end_ms(text: str | None, settings: Settings) -> int:
    from loadgen.historic import latest_end_ms

    if text is None:
        return latest_end_ms(time.time_ns() // 1_000_000, settings)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise UsageError(f"--end {text}: must be like 2026-01-31T12:00:00Z")
    return int(moment.timestamp() * 1000)


def _profile(
    name: str, campaigns: int | None, late: float | None, out_of_order: float | None, invalid: float | None
) -> Profile:
    from loadgen.profiles import find_profile

    return find_profile(name).changed(campaigns, late, out_of_order, invalid)


def _plan(data_dir: Path, profile: Profile, seed: int, ledger: Path | None) -> Any:
    from loadgen.run import LoadPlan, new_run_id

    run_id = new_run_id()
    return LoadPlan(profile, seed, ledger or data_dir / "ledgers" / f"{run_id}.ledger", run_id)


def _carry_out(start: Callable[[threading.Event], LoadResult]) -> LoadResult:
    """Runs a load; the first Ctrl-C ends it cleanly, a second one at once. Translates its errors."""
    from loadgen.errors import BrokerUnavailable, LoadRefused

    gc.freeze()  # a full collection over everything imported would halt the schedule for tens of milliseconds
    try:
        with _stopped_by_signals() as stop:
            return start(stop)
    except LoadRefused as error:
        raise UsageError(str(error)) from error
    except BrokerUnavailable as error:
        raise EnvironmentFailed(str(error)) from error
    finally:
        _clear_line()


@contextmanager
def _stopped_by_signals() -> Iterator[threading.Event]:
    stop = threading.Event()

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _show_progress() -> Callable[[Progress], None] | None:
    """Progress is for people at a terminal: None elsewhere."""
    if not sys.stderr.isatty():
        return None

    def show(progress: Progress) -> None:
        behind = progress.behind_seconds
        late = f", {behind:.1f} s BEHIND SCHEDULE" if behind > _BEHIND_SECONDS else ""
        line = f"{progress.elapsed_seconds:6.0f} s  {progress.sent:,} sent, {progress.acknowledged:,} acknowledged"
        print(f"\r\x1b[K{line}, {progress.failed:,} failed{late}", end="", file=sys.stderr, flush=True)

    return show


def _clear_line() -> None:
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def to_json(result: LoadResult) -> dict[str, Any]:
    """The report of a run."""
    delay = result.send_delay
    return {
        "run_id": result.run_id,
        "sent": result.sent,
        "acknowledged": result.acknowledged,
        "failed": result.failed,
        "rate_achieved": round(result.rate_achieved, 3),
        "send_delay_seconds": None if delay is None else {"p50": delay.p50, "p99": delay.p99, "max": delay.max},
        "cpu_seconds": round(result.cpu_seconds, 3),
        "interrupted": result.interrupted,
        "ledger": str(result.ledger),
    }


def _to_text(result: LoadResult) -> str:
    lines = [
        f"sent          {result.sent:,} ({result.rate_achieved:,.0f}/s)",
        f"acknowledged  {result.acknowledged:,}",
        f"failed        {result.failed:,}",
    ]
    if result.send_delay is not None:
        delay = result.send_delay
        lines.append(
            f"send delay    p50 {delay.p50 * 1e3:.1f} ms, p99 {delay.p99 * 1e3:.1f} ms, max {delay.max * 1e3:.1f} ms"
        )
    lines += [f"CPU           {result.cpu_seconds:.1f} s", f"ledger        {result.ledger}"]
    return "\n".join(lines)


def _finish(result: LoadResult, format_: Format, *, endless: bool) -> int:
    print(json.dumps(to_json(result), indent=2) if format_ is Format.JSON else _to_text(result))
    if result.interrupted and not endless:
        return ExitCode.INTERRUPTED
    return ExitCode.FAIL if result.failed else ExitCode.PASS
