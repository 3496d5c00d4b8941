"""A stack of a command's own on which things are done to it on purpose: what `slo drill` and `chaos run` share."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any
from xmlrpc.client import Fault

import psutil

from compose.experiment.load_process import LoadProcess
from compose.process.errors import EnvironmentFailed
from compose.process.parent_watch import ends_with_me
from compose.stack.layout import STACK_DIR_VARIABLE, Layout
from compose.stack.lifecycle import start_again, temporary_stack, throwaway_directory
from compose.stack.ports import Ports
from compose.stack.processes import orphans
from compose.stack.processes.supervision import Supervisor
from compose.stack.service import JobLinks
from compose.terminal.progress import say
from pipeline.settings import Settings
from slo.check import Watch
from slo.disturbances.bench import CommandFailed
from slo.disturbances.link import GOOD, Link

_STOP_SECONDS = 60.0
_COMMAND_SECONDS = 300.0
_STOPPED = ("STOPPED", "FATAL")
"""What supervisord says of processes that it does not start by itself."""
_DISTURBANCE_ENDS_SECONDS = 180.0
"""Longer than a whole stack takes to start again."""


class StackBench:
    """The running stack as drills and faults may touch it; see `slo.disturbances.bench.Bench`."""

    def __init__(
        self, layout: Layout, settings: Settings, links: Mapping[str, Link], start_again: Callable[[], None]
    ) -> None:
        self.layout = layout
        self._settings = settings
        self._links = links
        self._start_again = start_again
        self._ahead_seconds = 0.0
        self._watch: Watch | None = None
        self._load: LoadProcess | None = None

    @property
    def settings(self) -> Settings:
        return self._settings

    def link(self, server: str) -> Link:
        return self._links[server]

    def clock(self) -> float:
        """Unix seconds, as far as the check knows."""
        return time.time() + self._ahead_seconds

    def step_clock(self, seconds: float) -> None:
        self._ahead_seconds += seconds

    def begin(self, watch: Watch, load: LoadProcess) -> None:
        """A check has begun."""
        self._watch, self._load = watch, load

    def pids(self, service: str) -> Sequence[int]:
        if service == "load":
            return [] if self._load is None else [self._load.pid]
        return [each.pid for each in self._supervisor().processes() if each.name == service and each.pid]

    def stop(self, *services: str) -> None:
        self._supervisor().stop_processes(services, _STOP_SECONDS)

    def start(self, *services: str) -> None:
        for each in services:
            self._supervisor().start_process(each)

    def kill_everything(self) -> None:
        processes = [self._supervisor().process(), *orphans.find(self.layout)]
        for process in processes:
            orphans.kill(process)
        # They hold their ports until they have ended.
        psutil.wait_procs(processes, timeout=_STOP_SECONDS)

    def start_everything(self) -> None:
        self._start_again()

    def command(self, *words: str) -> str:
        command = [sys.executable, "-m", "compose.cli", "--data-dir", str(self.layout.root), *words]
        # Not the stack's: what ends or kills the stack leaves its operators alone.
        environment = {**os.environ, STACK_DIR_VARIABLE: "", **ends_with_me()}
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                env=environment,
                start_new_session=True,
                timeout=_COMMAND_SECONDS,
            )
        except subprocess.TimeoutExpired:
            said = f"killed, as it had not ended after {_COMMAND_SECONDS:.0f} s"
            raise CommandFailed(words, -signal.SIGKILL, said) from None
        if done.returncode:
            raise CommandFailed(words, done.returncode, done.stderr)
        return done.stdout

    def heal(self) -> list[str]:
        """Puts right what actions have left; what that was. Raises EnvironmentFailed where the stack can't start."""
        for link in self._links.values():
            link.condition = GOOD
        supervisor = Supervisor.find(self.layout)
        if supervisor is None:
            self.start_everything()
            return ["the stack was down"]
        stopped = [each.name for each in supervisor.processes() if each.state in _STOPPED]
        with suppress(Fault):  # somebody else was quicker
            self.start(*stopped)
        return [f"{name} was stopped" for name in stopped]

    def end_probe(self, name: str) -> None:
        if self._watch is not None:
            self._watch.recorder.end_probe(name)

    def end_event_poller(self) -> None:
        if self._watch is not None and self._watch.events is not None:
            self._watch.events.redis.stop()

    def _supervisor(self) -> Supervisor:
        supervisor = Supervisor.find(self.layout)
        if supervisor is None:
            raise EnvironmentFailed(f"the stack in {self.layout.root} is down")
        return supervisor


class Disturbance:
    """Something that is done to the stack during a check, in its time, in a thread.

    Times count from `begin`. Without ``end_seconds`` it lasts until the check is judged; with less than it takes to
    begin it ends at once.
    """

    def __init__(
        self,
        name: str,
        disturb: Callable[[], AbstractContextManager[Any]],
        begin_seconds: float,
        end_seconds: float | None,
    ) -> None:
        self.began = False
        self.began_at: float | None = None
        """Unix seconds at which its entry began."""
        self.ended_at: float | None = None
        """Unix seconds at which the disturbance was over and everything else about to be put right again."""
        self._name, self._disturb = name, disturb
        self._begin_seconds, self._end_seconds = begin_seconds, end_seconds
        self.finished_at: float | None = None
        """Unix seconds from which on nothing of it is still to come: it is put right, or failed, or never began."""
        self._over = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def begin(self) -> None:
        """The load has begun."""
        self._thread.start()

    def end(self) -> None:
        """The check is judged, or has failed. Raises EnvironmentFailed if the disturbance itself did."""
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join(_DISTURBANCE_ENDS_SECONDS)
        if self._error is not None:
            raise EnvironmentFailed(f"{self._name}: {self._error}") from self._error

    @property
    def error(self) -> BaseException | None:
        """What went wrong with the disturbance itself."""
        return self._error

    def _run(self) -> None:
        began = time.monotonic()
        try:
            if self._over.wait(self._begin_seconds):
                return
            self.began, self.began_at = True, time.time()
            with self._disturb():
                end = self._end_seconds
                self._over.wait(None if end is None else max(0.0, began + end - time.monotonic()))
                self.ended_at = time.time()
        except BaseException as error:
            self._error = error
        finally:
            self.finished_at = time.time()


@contextmanager
def own_stack(
    directory: Path, links: Collection[str], *, dashboard: bool, settings: Mapping[str, str] = MappingProxyType({})
) -> Iterator[StackBench]:
    """A new stack in a directory that is removed afterwards, its jobs led over ``links`` to the named servers.

    ``settings`` are variables of the environment that stand in for those of this process. Raises UsageError where
    another stack has its state there, EnvironmentFailed where it can't start.
    """
    ports, spare = Ports.free(), Ports.free()
    job_links = JobLinks(
        kafka=spare.kafka if "kafka" in links else None,
        kafka_listener=spare.kafka_controller,
        redis=spare.redis if "redis" in links else None,
        postgres=spare.postgres if "postgres" in links else None,
    )
    upstream = {"kafka": spare.kafka_controller, "redis": ports.redis, "postgres": ports.postgres}
    with ExitStack() as stack:
        layout = stack.enter_context(throwaway_directory(directory))
        found = {name: Link(getattr(job_links, name), upstream[name]) for name in links}
        for link in found.values():
            link.start()
            stack.callback(link.stop)
        environ = {**os.environ, **settings}
        started = stack.enter_context(
            temporary_stack(layout.root, ports, False, say, environ, job_links, dashboard=dashboard)
        )
        yield StackBench(layout, started, found, lambda: start_again(layout, say, environ, job_links))
