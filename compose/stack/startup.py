"""Starts the processes of a stack side by side and waits until each answers."""

from __future__ import annotations

import importlib
import threading
import time
from collections.abc import Callable, Sequence

from compose.process.errors import EnvironmentFailed
from compose.stack.jobs.view import wait_for_jobs
from compose.stack.layout import Layout
from compose.stack.processes.parallel_steps import Cancelled, Step, run_steps
from compose.stack.processes.supervision import ProcessState, Supervisor
from compose.stack.service import Plan, Service
from compose.stack.services.python_services import exists
from pipeline.settings import Settings

_POLL_SECONDS = 0.15
_LOG_TAIL_LINES = 15
# A process that died this often before it ever answered is not going to.
_DEATHS_TOLERATED = 5

Say = Callable[[str], None]


def start_everything(plan: Plan, services: Sequence[Service], say: Say) -> None:
    """Returns when every service answers, topics and tables exist and the Flink jobs run."""
    started = time.monotonic()
    supervisor = Supervisor.start(plan.layout, services)

    def timed(name: str) -> None:
        say(f"{time.monotonic() - started:5.1f} s  {name}")

    steps = [step for service in services for step in _service_steps(supervisor, plan.layout, service, timed)]
    steps.append(_provision_step("topics", ("kafka", "registry"), "pipeline.provision", "provision", plan, timed))
    steps.append(_provision_step("tables", ("postgres",), "pipeline.store", "migrate", plan, timed))
    if any(service.name == "jobs" for service in services):
        needs = ("jobs", *(service.name for service in services if service.name.startswith("taskmanager")))
        steps.append(Step("jobs running", needs, lambda cancelled: wait_for_jobs(plan, cancelled, timed)))
    run_steps(steps)


def _service_steps(supervisor: Supervisor, layout: Layout, service: Service, say: Say) -> tuple[Step, Step]:
    prepared = f"{service.name}:prepared"

    def start(cancelled: threading.Event) -> None:
        supervisor.start_process(service.name)
        _wait_until_healthy(supervisor, layout, service, cancelled)
        say(f"{service.name} is up")

    return (
        Step(prepared, (), lambda _: service.prepare()),
        Step(service.name, (prepared, *service.needs), start),
    )


def _wait_until_healthy(supervisor: Supervisor, layout: Layout, service: Service, cancelled: threading.Event) -> None:
    deadline = time.monotonic() + service.start_timeout_seconds
    deaths, last_pid = 0, 0
    while True:
        try:
            service.check()
            return
        except EnvironmentFailed:
            raise
        except Exception as error:
            reason = error
        if cancelled.is_set():
            raise Cancelled(service.name)
        now = _state_of(supervisor, service.name)
        if now.pid != last_pid:
            deaths += now.pid == 0
            last_pid = now.pid
        if time.monotonic() > deadline or deaths > _DEATHS_TOLERATED:
            raise EnvironmentFailed(
                f"{service.name} ({service.address}) is not healthy ({now.state} {now.detail}): {reason}\n"
                f"the end of {layout.log_of(service.name)}:\n{log_tail(layout, service.name)}"
            )
        cancelled.wait(_POLL_SECONDS)


def _state_of(supervisor: Supervisor, name: str) -> ProcessState:
    try:
        return next(each for each in supervisor.processes() if each.name == name)
    except OSError as error:
        raise EnvironmentFailed(
            f"the stack's supervisor went away while {name} was starting ({error}); was the stack stopped elsewhere?"
        ) from error


def log_tail(layout: Layout, service: str, lines: int = _LOG_TAIL_LINES) -> str:
    """The last lines of a service's log."""
    try:
        text = layout.log_of(service).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "(no log)"
    return "\n".join(text.splitlines()[-lines:])


def _provision_step(name: str, needs: tuple[str, ...], module: str, function: str, plan: Plan, say: Say) -> Step:
    """Imported late: the modules pull in clients that the other services need not wait for."""

    def run(_: threading.Event) -> None:
        if exists(module):
            provision: Callable[[Settings], None] = getattr(importlib.import_module(module), function)
            provision(plan.settings)
            say(f"{name} are there")

    return Step(name, needs, run)
