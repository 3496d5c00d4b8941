"""What `demo`, `bench latency`, `slo check` and `slo drill` share: run a check, report it."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import psycopg2
import redis
from rich.console import Console

from compose.experiment.load_process import LoadProcess
from compose.process.errors import EnvironmentFailed, Inconclusive
from compose.terminal.live_table import live_table
from compose.terminal.progress import Progress
from pipeline.settings import Settings
from slo.check import Checked, LoadSummary, Watch, check_load, check_long_load, check_production
from slo.latency.event_watch import NotSettled
from slo.latency.sample import Cell
from slo.probes.probe import Probe
from slo.reconciliation.verify import UNAVAILABLE
from slo.reconciliation.wait_drained import JobsStuck, NotDrained
from slo.spec.model import Specification

_TICK_SECONDS = 1.0

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
