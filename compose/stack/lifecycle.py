"""Starting and stopping a whole stack."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from compose.process.errors import EnvironmentFailed, UsageError
from compose.process.signals import uninterrupted
from compose.stack.java import artifacts, class_archives
from compose.stack.layout import STACK_DIR_VARIABLE, Layout
from compose.stack.passwords import Passwords
from compose.stack.platform_check import require_supported
from compose.stack.ports import LOOPBACK, PortChoice, Ports, is_free, require_free
from compose.stack.processes import orphans
from compose.stack.processes.owner import owning
from compose.stack.processes.supervision import Supervisor
from compose.stack.service import STRAIGHT, JobLinks, Plan
from compose.stack.services import every_service
from compose.stack.services import monitoring as monitoring_services
from compose.stack.startup import start_everything
from compose.stack.state import Record, settings_for
from pipeline.settings import Settings

NEEDED_BYTES = 2_000_000_000
_SHUTDOWN_SECONDS = 40.0

Say = Callable[[str], None]


def bring_up(
    data_dir: Path,
    choice: PortChoice,
    historic: bool,
    say: Say,
    environ: Mapping[str, str] = os.environ,
    *,
    dashboard: bool = True,
    monitoring: bool = False,
    accept_loss: bool = False,
    reread_store: bool = False,
) -> Settings:
    """Starts the stack in `data_dir` and returns its settings once it is healthy and the jobs run.

    ``dashboard``: with the business dashboard, which a historic load (all of it in the past) never has.
    ``monitoring``: with exporters, and with Prometheus and what belongs to it where it is on PATH.
    ``accept_loss``: a job starts without state or records that are lost, rather than not at all.
    ``reread_store``: the store job drops its state and counts the whole topic into PostgreSQL again.
    If anything fails or the command is interrupted, everything started is stopped again. Raises
    EnvironmentFailed or UsageError with the reason.
    """
    with _claimed(data_dir, historic) as layout:
        for mark, wanted in ((layout.accept_loss, accept_loss), (layout.reread_store, reread_store)):
            mark.unlink(missing_ok=True)
            if wanted:
                mark.touch()
        return _start(layout, choice, historic, say, environ, dashboard=dashboard, monitoring=monitoring)


@contextmanager
def temporary_stack(
    data_dir: Path,
    choice: PortChoice | Ports,
    historic: bool,
    say: Say,
    environ: Mapping[str, str] = os.environ,
    job_links: JobLinks = STRAIGHT,
    *,
    dashboard: bool = False,
    monitoring: bool = False,
) -> Iterator[Settings]:
    """A stack that lives as long as the block, however the block or this process ends.

    ``choice`` may be the very ports to take; for ``job_links`` see `compose.stack.service.JobLinks`. A ``dashboard``
    costs 200 MB, so it is there only where it is asked for; so is ``monitoring``, for which see `bring_up`.
    """
    with _claimed(data_dir, historic) as layout:
        settings = _start(layout, choice, historic, say, environ, job_links, dashboard=dashboard, monitoring=monitoring)
        # Inherited by what the block starts (a generator, say): it belongs to the stack and is swept up with it.
        os.environ[STACK_DIR_VARIABLE] = str(layout.root)
        try:
            yield settings
        finally:
            del os.environ[STACK_DIR_VARIABLE]
            with uninterrupted():
                say("stopping the stack")
                take_down(layout)


@contextmanager
def throwaway_directory(directory: Path) -> Iterator[Layout]:
    """Where a stack may live for as long as the block; removed with it.

    Raises UsageError where another stack has its state there, EnvironmentFailed where another command is at work.
    """
    layout = Layout.of(directory)
    with _alone_in(layout):
        if layout.record.exists():
            raise UsageError(f"{layout.root} holds another stack: remove that directory")
        try:
            yield layout
        finally:
            with uninterrupted():
                shutil.rmtree(layout.root, ignore_errors=True)


def start_again(
    layout: Layout, say: Say, environ: Mapping[str, str] = os.environ, job_links: JobLinks = STRAIGHT
) -> None:
    """Starts a stack that this process owns and that has ended as a whole: the same ports, the same state.

    Raises EnvironmentFailed; then nothing of it runs.
    """
    record = Record.read(layout)
    if record is None:
        raise EnvironmentFailed(f"no stack was ever started in {layout.root}")
    layout.create()  # `down` has removed the control socket's directory where it is a temporary one
    require_nobody_running(layout)
    _start(layout, record.ports, record.historic, say, environ, job_links)


@contextmanager
def _claimed(data_dir: Path, historic: bool) -> Iterator[Layout]:
    """Within the block nobody else starts a stack there, and this process owns the one that it starts."""
    require_supported()
    layout = Layout.of(data_dir)
    layout.create()
    with _exclusive(layout):
        try:
            _require_same_kind(layout, historic)
            # Before owning: a stack that runs keeps the owner that it has.
            require_nobody_running(layout)
            with owning(layout):
                yield layout
        finally:
            if layout.socket.parent != layout.run:
                with suppress(OSError):  # a stack that runs has its socket in there
                    layout.socket.parent.rmdir()


def _start(
    layout: Layout,
    choice: PortChoice | Ports,
    historic: bool,
    say: Say,
    environ: Mapping[str, str],
    job_links: JobLinks = STRAIGHT,
    *,
    dashboard: bool = False,
    monitoring: bool = False,
) -> Settings:
    base = Settings.from_env(environ)
    _require_room(layout)
    ports = _ports(layout, choice)
    require_free(ports, monitoring_services.unused_ports(monitoring))
    if not artifacts.present():
        say("downloading Java artifacts")
        artifacts.ensure()
    class_archives.prepare(layout)
    passwords = Passwords.load_or_create(layout)
    base = replace(base, dashboard_url=f"http://{LOOPBACK}:{ports.dashboard}" if dashboard and not historic else "")
    settings = settings_for(base, layout, ports, passwords, historic)
    Record.of(ports, settings).write(layout)
    plan = Plan(layout, ports, passwords, settings, job_links, monitoring)
    try:
        start_everything(plan, every_service(plan), say)
        class_archives.note_running(layout)
    except BaseException:
        with uninterrupted():
            say("stopping what was started")
            take_down(layout)
        raise
    return settings


def take_down(layout: Layout) -> int:
    """Stops everything that runs in this data directory; how many processes had to be swept up.

    First what watches the others, then Flink, whose retained checkpoints are the point where the jobs
    will go on, then the servers. Who calls it while another does waits for the other.
    """
    with _one_ending(layout):
        return _take_down(layout)


def _take_down(layout: Layout) -> int:
    supervisor = Supervisor.find(layout)
    if supervisor is not None and supervisor.answers():
        names = [each.name for each in supervisor.processes()]
        watchers = [name for name in names if name in ("jobs", "canary", "cache-keeper", *monitoring_services.NAMES)]
        flink = [name for name in names if name.startswith(("jobmanager", "taskmanager"))]
        for group in (watchers, flink, [name for name in names if name not in (*watchers, *flink)]):
            supervisor.stop_processes(group, _SHUTDOWN_SECONDS)
        supervisor.shutdown(_SHUTDOWN_SECONDS)
    swept = orphans.end(layout)
    class_archives.keep(layout)
    layout.supervisor_pid.unlink(missing_ok=True)
    layout.socket.unlink(missing_ok=True)
    if layout.socket.parent != layout.run:
        shutil.rmtree(layout.socket.parent, ignore_errors=True)
    return swept


@contextmanager
def _exclusive(layout: Layout) -> Iterator[None]:
    with layout.lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise EnvironmentFailed(f"another `adctr up` is at work in {layout.root}; wait for it") from None
        yield


@contextmanager
def _one_ending(layout: Layout) -> Iterator[None]:
    """Not the lock of `up`, which ends what it could not start. Without a stack there is nothing to wait for."""
    try:
        file = (layout.run / "ending").open("w")
    except OSError:
        yield
        return
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def _alone_in(layout: Layout) -> Iterator[None]:
    """No other command uses the directory within the block: the first to end would remove it with the other's stack.

    Raises EnvironmentFailed where somebody does.
    """
    path = layout.root / "at-work"
    try:
        layout.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = path.open("w")
    except OSError as error:
        raise EnvironmentFailed(
            f"data directory {layout.root}: {error.strerror}; choose a directory of yours with --data-dir"
        ) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_held = path.stat().st_ino == os.fstat(file.fileno()).st_ino
        except (BlockingIOError, FileNotFoundError):  # another holds it, or has just removed it
            is_held = False
        if not is_held:
            raise EnvironmentFailed(f"another command is at work in {layout.root}; wait for it, or give a --data-dir")
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def _ports(layout: Layout, choice: PortChoice | Ports) -> Ports:
    """With `auto`, the last start's ports if they are still free: a noted address stays valid."""
    if isinstance(choice, Ports):
        return choice
    if choice is PortChoice.DEFAULT:
        return Ports()
    record = Record.read(layout)
    if record is not None and all(is_free(port) for _, port in record.ports.items()):
        return record.ports
    return Ports.free()


def _require_room(layout: Layout) -> None:
    free = shutil.disk_usage(layout.root).free
    if free < NEEDED_BYTES:
        raise EnvironmentFailed(
            f"{layout.root}: {free / 1e9:.1f} GB free, a stack needs {NEEDED_BYTES / 1e9:.0f} GB; "
            "free some space or choose another disk with --data-dir"
        )


def require_nobody_running(layout: Layout) -> None:
    """Raises EnvironmentFailed where a stack runs; ends what one that was killed has left running."""
    if Supervisor.find(layout) is not None:
        raise EnvironmentFailed(
            f"a stack is already running in {layout.root}: see `adctr --data-dir {layout.root} status`, stop it "
            "with `down`, or start another one with another --data-dir"
        )
    # What a supervisor that was killed left behind would hold the files of the new processes.
    orphans.end(layout)


def _require_same_kind(layout: Layout, historic: bool) -> None:
    record = Record.read(layout)
    if record is None or record.historic == historic:
        return
    kinds = ("a live stack", "a historic load (`up --historic`)")
    raise UsageError(
        f"{layout.root} holds {kinds[record.historic]} and cannot go on as {kinds[historic]}: record times of both "
        "would mix; use another --data-dir"
    )
