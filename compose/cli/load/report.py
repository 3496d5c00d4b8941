"""Shared by the load commands: a run that signals end cleanly, its progress, its report."""

from __future__ import annotations

import gc
import json
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer

from compose.process.errors import EnvironmentFailed, UsageError
from compose.process.exit_codes import ExitCode
from compose.process.signals import interrupting
from compose.terminal.format import Format
from loadgen.errors import BrokerUnavailable, LoadRefused
from loadgen.profiles import Profile, find_profile
from loadgen.profiles.parse import ProfileError
from loadgen.run import LoadPlan, LoadProgress, LoadResult, new_run_id

_BEHIND_SECONDS = 0.5
_HINTS = {
    "INVALID_TIMESTAMP": ": the broker takes no time more than a minute ahead of its clock, nor one older than the "
    "slack; is the clock right here, and there?",
    "INVALID_RECORD": ": in one batch with a record that the broker refuses",
}

LedgerOption = Annotated[
    Path | None, typer.Option(help="New file for the truth about the run; default DIR/ledgers/<run id>.ledger.")
]
SeedOption = Annotated[int, typer.Option(help="Same seed, same events.", min=0)]
ProfileOption = Annotated[
    str, typer.Option(help="Shape of the traffic: a name of `adctr load profiles`, or a file (with / or .yaml).")
]
FractionOption = Annotated[float | None, typer.Option(help="Share of all events, 0 to 1; overrides the profile.")]
CampaignsOption = Annotated[int | None, typer.Option(help="Number of campaigns; overrides the profile.", min=1)]


def profile_of(
    name_or_file: str,
    campaigns: int | None = None,
    late: float | None = None,
    out_of_order: float | None = None,
    invalid: float | None = None,
) -> Profile:
    """A profile, with some of its values replaced. Raises UsageError with every mistake in its file."""
    try:
        return find_profile(name_or_file).changed(campaigns, late, out_of_order, invalid)
    except ProfileError as error:
        number = len(error.problems)
        heading = f"{error.file}: {number} mistake{'s' if number > 1 else ''}, docs/load.md describes the format"
        raise UsageError(f"{heading}\n{error}") from error
    except LoadRefused as error:
        raise UsageError(str(error)) from error


def plan_of(data_dir: Path, profile: Profile, seed: int, ledger: Path | None) -> LoadPlan:
    """A new run's plan."""
    run_id = new_run_id()
    return LoadPlan(profile, seed, ledger or data_dir / "ledgers" / f"{run_id}.ledger", run_id)


def carry_out(start: Callable[[threading.Event], LoadResult]) -> LoadResult:
    """Runs a load; the first Ctrl-C ends it cleanly, a second one at once. Translates its errors."""
    # A collection would halt the schedule for tens of milliseconds, and find nothing: the loops make no cycles.
    gc.freeze()
    gc.disable()
    try:
        with stopped_by_signals() as stop:
            return start(stop)
    except LoadRefused as error:
        raise UsageError(str(error)) from error
    except BrokerUnavailable as error:
        raise EnvironmentFailed(str(error)) from error
    finally:
        gc.enable()
        clear_line()


@contextmanager
def stopped_by_signals() -> Iterator[threading.Event]:
    """Within the block the first signal that ends a command sets the event, a second one interrupts."""
    stop = threading.Event()

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = {number: signal.signal(number, interrupt) for number in interrupting()}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def show_progress() -> Callable[[LoadProgress], None] | None:
    """Progress is for people at a terminal: None elsewhere."""
    if not sys.stderr.isatty():
        return None

    def show(progress: LoadProgress) -> None:
        behind = progress.behind_seconds
        late = f", {behind:.1f} s BEHIND SCHEDULE" if behind > _BEHIND_SECONDS else ""
        line = f"{progress.elapsed_seconds:6.0f} s  {progress.sent:,} sent, {progress.acknowledged:,} acknowledged"
        print(f"\r\x1b[K{line}, {progress.failed:,} failed{late}", end="", file=sys.stderr, flush=True)

    return show


def clear_line() -> None:
    """Leaves an empty line on a terminal."""
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
        "failures": dict(result.failures),
        "rate_achieved": round(result.rate_achieved, 3),
        "send_delay_seconds": None if delay is None else {"p50": delay.p50, "p99": delay.p99, "max": delay.max},
        "cpu_seconds": round(result.cpu_seconds, 3),
        "events_per_cpu_second": round(result.acknowledged / result.cpu_seconds) if result.cpu_seconds else None,
        "interrupted": result.interrupted,
        "ledger": str(result.ledger),
    }


def to_text(result: LoadResult) -> str:
    """The same for people."""
    lines = [
        f"sent          {result.sent:,} ({result.rate_achieved:,.0f}/s)",
        f"acknowledged  {result.acknowledged:,}",
        f"failed        {result.failed:,}",
        *(f"  {number:,} {name}{_HINTS.get(name, '')}" for name, number in result.failures.items()),
    ]
    if result.send_delay is not None:
        delay = result.send_delay
        lines.append(
            f"send delay    p50 {delay.p50 * 1e3:.1f} ms, p99 {delay.p99 * 1e3:.1f} ms, max {delay.max * 1e3:.1f} ms"
        )
    per_cpu_second = result.acknowledged / max(result.cpu_seconds, 1e-9)
    lines += [f"CPU           {result.cpu_seconds:.1f} s ({per_cpu_second:,.0f} events per CPU-second)"]
    return "\n".join([*lines, f"ledger        {result.ledger}"])


def finish(result: LoadResult, format_: Format, *, endless: bool = False) -> int:
    """Prints the report; the exit code that goes with it."""
    print(json.dumps(to_json(result), indent=2) if format_ is Format.JSON else to_text(result))
    return exit_code(result, endless=endless)


def exit_code(result: LoadResult, *, endless: bool) -> int:
    """Interrupted, some failed, or all is well."""
    if result.interrupted and not endless:
        return ExitCode.INTERRUPTED
    return ExitCode.FAIL if result.failed else ExitCode.PASS
