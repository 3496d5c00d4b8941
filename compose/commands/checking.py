"""What `demo`, `bench latency`, `slo check` and `slo drill` share: run a check, report it."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Any

import psycopg2
import redis
from rich.console import Console

from compose.cli import Format
from compose.commands.live_table import live_table
from compose.commands.load_process import LoadProcess
from compose.commands.progress import Progress
from compose.errors import EnvironmentFailed, Inconclusive
from compose.exit_codes import ExitCode
from pipeline.settings import Settings
from slo.check import Checked, LoadSummary, Watch, check_load, check_long_load, check_production
from slo.latency.event_watch import NotSettled
from slo.latency.figures import Spread, figures
from slo.latency.sample import Cell
from slo.probes.probe import Probe
from slo.reconciliation.drain import JobsStuck, NotDrained
from slo.reconciliation.report import Report, difference_line
from slo.reconciliation.verify import UNAVAILABLE
from slo.report.machine import to_json
from slo.report.text import to_text
from slo.spec.model import Indicator, Specification
from slo.verdict import RunVerdict, Verdict

EXIT_CODES = {
    Verdict.PASS: ExitCode.PASS,
    Verdict.FAIL: ExitCode.FAIL,
    Verdict.INCONCLUSIVE: ExitCode.INCONCLUSIVE,
    Verdict.NOT_JUDGED: ExitCode.INCONCLUSIVE,
}
_TICK_SECONDS = 1.0
_MOST_DIFFERENCES = 5
_STORES = {"redis": Indicator.EVENT_TO_REDIS, "postgres": Indicator.EVENT_TO_POSTGRES}
_STORE_NAMES = {"redis": "Redis", "postgres": "PostgreSQL"}

During = Callable[[Watch, LoadProcess], None]
GiveUp = Callable[[Watch], bool]


def run_load_check(
    data_dir: Path,
    settings: Settings,
    rate: float,
    seconds: float | None,
    probes: Sequence[Probe],
    during: During | None = None,
    clock: Callable[[], float] = time.time,
    shown: Specification | None = None,
    *,
    earlier: Sequence[Path] = (),
    outlives_stack: bool = False,
    load_options: Sequence[str] = (),
    give_up: GiveUp | None = None,
    verify: bool = True,
    cells: Sequence[Cell] | None = None,
    undrained: bool = False,
) -> Checked:
    """Load, observation, verification. ``during`` is called when the load has begun; its end is not waited for.

    A terminal shows the objectives of ``shown`` as a table meanwhile. Ledgers of ``earlier`` loads are verified as
    well; for ``outlives_stack`` see `LoadProcess`. ``give_up`` is asked once a second whether to end the load early.
    Without ``verify`` no count is compared, and nothing waits for the jobs. With ``cells`` the events of those alone
    are timed; every count is compared all the same. With ``undrained`` a run whose counts could not be compared in time
    comes back all the same, with what else was measured.

    Ctrl-C ends the load early and judges what there is; a second one ends everything. Raises EnvironmentFailed, and
    Inconclusive if the jobs did not get through what was sent.
    """
    ledger = new_ledger(data_dir)
    progress = Progress()

    def load(watch: Watch) -> LoadSummary:
        generator = LoadProcess(data_dir, ledger, rate, seconds, load_options, outlives_stack=outlives_stack)
        with first_interrupt() as interrupted, generator as process:
            if during is not None:
                during(watch, process)
            with live_table(shown, watch.recorder, Console(stderr=True), progress) as show:
                _show(process, watch, interrupted, show, give_up)
            return process.summary()

    with _explained(progress):
        checked = check_load(settings, probes, load, progress, clock, earlier, verify=verify, cells=cells)
        if checked.undrained is not None and not undrained:
            raise checked.undrained
        return checked


def new_ledger(data_dir: Path) -> Path:
    """Where the ledger of a load that begins now goes."""
    return data_dir / "ledgers" / f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}.ledger"


def warm_up(data_dir: Path, rate: float, seconds: float) -> None:
    """Sends for so long before anything is timed: a JVM that has just started competes with its own compiler.

    What is sent is on the topic and so verified with all else. Raises EnvironmentFailed.
    """
    if not seconds:
        return
    progress = Progress()
    began = time.monotonic()
    with LoadProcess(data_dir, new_ledger(data_dir), rate, seconds) as process:
        while process.running:
            progress(f"{time.monotonic() - began:4.0f} of {seconds:.0f} s of warm-up")
            time.sleep(_TICK_SECONDS)
        progress.clear()
        process.summary()


def run_production_check(settings: Settings, seconds: float, probes: Sequence[Probe], *, verify: bool) -> Checked:
    """Watches for so long whatever load there is. Raises EnvironmentFailed and Inconclusive."""
    progress = Progress()

    def wait(_watch: Watch) -> None:
        began = time.monotonic()
        with first_interrupt() as interrupted:
            while (left := began + seconds - time.monotonic()) > 0 and not interrupted.wait(min(left, _TICK_SECONDS)):
                progress(f"{time.monotonic() - began:4.0f} of {seconds:.0f} s")

    with _explained(progress):
        return check_production(settings, probes, wait, verify, progress)


def run_long_check(settings: Settings, probes: Sequence[Probe], load: Callable[[Watch], LoadSummary]) -> Checked:
    """A load of hours, of which no event is timed; every count is compared. Raises EnvironmentFailed, Inconclusive."""
    progress = Progress()
    with _explained(progress):
        return check_long_load(settings, probes, load, progress)


@contextmanager
def _explained(progress: Progress) -> Iterator[None]:
    """What a check raises, in the words of the command line."""
    try:
        yield
    except NotDrained as error:
        raise Inconclusive(str(error)) from error
    except (NotSettled, JobsStuck, redis.RedisError, psycopg2.Error, *UNAVAILABLE) as error:
        raise EnvironmentFailed(str(error)) from error
    finally:
        progress.clear()


def _show(
    process: LoadProcess,
    watch: Watch,
    interrupted: threading.Event,
    show: Callable[[str], None],
    give_up: GiveUp | None,
) -> None:
    began, before = time.monotonic(), 0
    assert watch.events is not None
    while process.running:
        if interrupted.wait(_TICK_SECONDS) or (give_up is not None and give_up(watch)):
            interrupted.clear()
            show("ending the load")
            process.end_early()
            return
        in_redis, in_postgres = watch.events.redis.recorder.counted, watch.events.postgres.recorder.counted
        show(
            f"{time.monotonic() - began:4.0f} s   Redis {in_redis:>11,} events (+{in_redis - before:,}/s)   "
            f"PostgreSQL {in_postgres:>11,} events"
        )
        before = in_redis


@contextmanager
def first_interrupt() -> Iterator[threading.Event]:
    """Within the block a Ctrl-C sets the event, and the signal's former handler is back for the second one."""
    interrupted = threading.Event()
    former = signal.getsignal(signal.SIGINT)

    def note(_signal: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, former)
        interrupted.set()

    signal.signal(signal.SIGINT, note)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, former)


def report(checked: Checked, specification: Specification, verdict: RunVerdict, format_: Format) -> ExitCode:
    """Prints a check's figures and verdict; the exit code that goes with them."""
    if format_ is Format.JSON:
        print(json.dumps(as_json(checked, specification, verdict), indent=2))
    else:
        for line in _load_lines(checked):
            print(line)
        print(to_text(specification, checked.recording, verdict), end="")
    return EXIT_CODES[verdict.verdict]


def as_json(checked: Checked, specification: Specification, verdict: RunVerdict) -> dict[str, Any]:
    """The verdict's keys; under a load of its own also what was sent and found, and the latencies of all events."""
    found = to_json(specification, checked.recording, verdict)
    if checked.load is not None:
        found["load"] = {**asdict(checked.load), "ledger": str(checked.load.ledger)}
        found["load"]["send_delay_seconds"] = found["load"].pop("send_delay")
        found["latency_seconds"] = {
            store: {
                **asdict(figures(checked.recording.series[indicator].values)),
                "look_interval": asdict(checked.look_intervals[indicator]),
            }
            for store, indicator in _STORES.items()
        }
    if checked.report is not None:
        found["records"] = checked.report.records
        found["differences_total"] = checked.report.found.total
        found["exact"] = checked.report.exact
    return found


def _load_lines(checked: Checked) -> Iterator[str]:
    load, counted = checked.load, checked.report
    yield from load_and_counts(load, counted)
    if load is not None:
        for store, indicator in _STORES.items():
            yield f"{_STORE_NAMES[store]:<10} {_path(checked, indicator)}"


def load_and_counts(load: LoadSummary | None, counted: Report | None) -> Iterator[str]:
    """What was sent, and what was found on the topic: a line each, if there is something to say."""
    if load is not None:
        yield (
            f"load       {load.sent:,} sent, {load.acknowledged:,} acknowledged, {load.failed:,} failed, "
            f"{load.rate_achieved:,.0f} events/s; send delay {_spread(load.send_delay)}"
        )
    if counted is not None:
        yield (
            f"topic      {counted.records:,} records: {counted.counted:,} counted, {counted.late:,} late, "
            f"{counted.dead_lettered:,} dead-lettered, {counted.tombstones:,} tombstones; "
            f"{counted.found.total:,} differences{' (exact)' if counted.exact else ''}"
        )
        yield from first_differences(counted)


def first_differences(counted: Report) -> Iterator[str]:
    """The first few, each in one line; `adctr verify` lists them all."""
    yield from (f"           {difference_line(each)}" for each in counted.found.listed[:_MOST_DIFFERENCES])


def _path(checked: Checked, indicator: Indicator) -> str:
    found = figures(checked.recording.series[indicator].values)
    values = ((name, getattr(found, name)) for name in ("p50", "p99", "p999", "max"))
    latency = ", ".join(f"{name.replace('p999', 'p99.9')} {_seconds(value)}" for name, value in values)
    notes = (
        f"{found.unseen:,} never seen, {found.negative:,} negative" if found.unseen or found.negative else "all seen"
    )
    return f"{latency} of {found.samples:,} events ({notes}); looked every {_spread(checked.look_intervals[indicator])}"


def _spread(durations: Spread) -> str:
    return f"p50 {_seconds(durations.p50)}, p99 {_seconds(durations.p99)}, max {_seconds(durations.max)}"


def _seconds(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value * 1000:.0f} ms" if value < 10 else f"{value:.1f} s"
