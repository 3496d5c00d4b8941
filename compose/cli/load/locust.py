"""`adctr load locust`: locust with our users, its own flags passed through."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

import loadgen
from compose.cli.load.report import ProfileOption, SeedOption, profile_of
from compose.cli.objectives_file import SpecOption, specification
from compose.process.bound_child import bound
from compose.process.errors import EnvironmentFailed, UsageError
from compose.process.parent_watch import ends_with_me
from compose.stack.layout import STACK_DIR_VARIABLE, Layout
from compose.stack.ports import LOOPBACK, is_free
from compose.stack.state import Record, load_settings
from loadgen.ledger_index import create_index
from loadgen.locust_users.gates import Gate
from loadgen.locust_users.plan import LocustPlan
from loadgen.population import DEFAULT_SEED
from loadgen.run import new_run_id
from slo.spec.model import Indicator, Kind, Operator, Specification

_LEDGER_SECONDS = 150.0
_END_SECONDS = 30.0


def locust(
    context: typer.Context,
    profile: ProfileOption = "steady",
    seed: SeedOption = DEFAULT_SEED,
    ledger: Annotated[
        Path | None,
        typer.Option(help="New file for the truth about the run; default DIR/ledgers/locust-<time>.ledger."),
    ] = None,
    events_per_user: Annotated[float, typer.Option(min=0.1, help="Events per second of each producing user.")] = 100.0,
    reads_per_user: Annotated[float, typer.Option(min=0.1, help="Reads per second of each reading user.")] = 10.0,
    dashboard: Annotated[
        str | None, typer.Option(metavar="URL", help="Let users open this dashboard; default: the stack's, if it runs.")
    ] = None,
    spec: SpecOption = None,
) -> int:
    """Locust with users that produce, read the cache, query PostgreSQL and open the dashboard.

    Locust's own flags may follow, for example --headless --users 20 --run-time 60s --html report.html --json
    --processes 2; without --headless its page is at http://127.0.0.1:8089. Exit 0: the objectives on these requests are
    kept. 1: one is breached, or a request failed that no objective is about. 3: too few requests to say.
    """
    profile_of(profile)
    settings = load_settings(context.obj)
    gates = _gates(specification(spec))
    path = ledger or _default_ledger(context.obj)
    url = dashboard or _running_dashboard(context.obj)
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    plan = _plan(path, profile, seed, events_per_user, reads_per_user, url, gates, writing)
    environment = {**os.environ, **settings.to_env(), **plan, STACK_DIR_VARIABLE: str(Layout.of(context.obj).root)}
    try:
        code = _run(_command(context.args), environment, reading, writing)
    finally:
        os.close(reading)
    print(
        f"ledger of all producers: {path}; `adctr verify --ledger {path}` holds it against the topic", file=sys.stderr
    )
    return code


def _gates(objectives: Specification) -> list[Gate]:
    """The objectives that are about what locust's users do."""
    kinds = {Indicator.CACHE_READ: "CACHE"}
    return [
        Gate(
            objective=each.name,
            kind=kinds[each.indicator],
            value_ms=each.value * 1000,
            inclusive=each.op is Operator.LTE,
            target=each.target,
            samples=each.minimum.samples,
        )
        for each in objectives.objectives
        if each.kind is Kind.LATENCY and each.indicator in kinds and each.value is not None
    ]


def _default_ledger(data_dir: Path) -> Path:
    return data_dir / "ledgers" / f"locust-{new_run_id()}.ledger"


def _running_dashboard(data_dir: Path) -> str | None:
    """The address of the stack's own dashboard, where its record has a port for one and something listens there."""
    record = Record.read(Layout.of(data_dir))
    port: int | None = getattr(record.ports, "dashboard", None) if record is not None else None
    return None if port is None or is_free(port) else f"http://{LOOPBACK}:{port}"


def _plan(
    path: Path,
    profile: str,
    seed: int,
    events_per_user: float,
    reads_per_user: float,
    dashboard: str | None,
    gates: Sequence[Gate],
    alive_fd: int,
) -> dict[str, str]:
    try:
        directory = create_index(path)
    except FileExistsError:
        raise UsageError(f"ledger {path} exists already: a ledger belongs to one run") from None
    # A profile's file is named from here; locust's processes may run elsewhere.
    own = str(Path(profile).resolve()) if Path(profile).is_file() else profile
    return LocustPlan(
        profile=own,
        seed=seed,
        ledgers=str(directory.resolve()),
        events_per_user=events_per_user,
        reads_per_user=reads_per_user,
        dashboard_url=None if dashboard is None else dashboard.rstrip("/"),
        gates=tuple(gates),
        alive_fd=alive_fd,
    ).to_env()


def _command(flags: Sequence[str]) -> list[str]:
    command = [sys.executable, "-m", "locust", "-f", str(Path(loadgen.__file__).with_name("locustfile.py")), *flags]
    if not any(flag.split("=")[0] in ("--web-host", "-w") for flag in flags):
        command += ["--web-host", LOOPBACK]
    # A master listens for workers, those of --processes too.
    if not any(flag.split("=")[0] in ("--worker", "--master-bind-host") for flag in flags):
        command += ["--master-bind-host", LOOPBACK]
    return command


def _run(command: Sequence[str], environment: dict[str, str], reading: int, writing: int) -> int:
    """Locust and all that it starts, in a session of its own; when this returns, none of it is left.

    Where this process is killed, locust is told to end, and its producers end with it.
    A Ctrl-C is passed on, so that locust ends as its users are used to; its exit code counts then too.
    """
    process = subprocess.Popen(
        bound([*command]),
        stdin=subprocess.DEVNULL,
        env=environment | ends_with_me(),
        pass_fds=(writing,),
        start_new_session=True,
    )
    os.close(writing)
    try:
        code = _ended(process)
        _await_ledgers(reading)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    return code


def _ended(process: subprocess.Popen[bytes]) -> int:
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.send_signal(signal.SIGINT)
        return process.wait(_END_SECONDS)


def _await_ledgers(reading: int) -> None:
    """Until no process of the run is left: each holds the pipe's other end. Raises EnvironmentFailed."""
    ready, _, _ = select.select([reading], [], [], _LEDGER_SECONDS)
    if not ready:
        raise EnvironmentFailed(f"a producer is still at work {_LEDGER_SECONDS:.0f} s after locust has ended")
