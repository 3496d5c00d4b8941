"""The processes of a running stack by name, for commands that measure them."""

from __future__ import annotations

from collections.abc import Sequence

import psutil

from compose.process.errors import EnvironmentFailed
from compose.stack.layout import Layout
from compose.stack.processes.supervision import Supervisor

PIPELINE = ("jobmanager", "taskmanager-live", "taskmanager-store", "kafka", "redis", "postgres")
"""What an event passes through."""


def every_pid(layout: Layout) -> dict[str, int]:
    """Every process that the stack consists of, by its service's name: those that run now, the supervisor included."""
    supervisor = Supervisor.find(layout)
    if supervisor is None:
        return {}
    return {each.name: each.pid for each in supervisor.processes() if each.pid} | {"supervisord": supervisor.pid}


def stack_processes(layout: Layout, names: Sequence[str] = PIPELINE) -> dict[str, psutil.Process]:
    """Raises EnvironmentFailed if the stack is down or one of them does not run."""
    supervisor = Supervisor.find(layout)
    if supervisor is None:
        raise EnvironmentFailed(f"the stack in {layout.root} is down")
    pids = {each.name: each.pid for each in supervisor.processes() if each.name in names and each.pid}
    missing = [name for name in names if name not in pids]
    if missing:
        raise EnvironmentFailed(f"{', '.join(missing)} does not run: see the logs in {layout.logs}")
    return {name: psutil.Process(pids[name]) for name in names}
