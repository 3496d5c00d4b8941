"""What `adctr status` reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import psutil

from compose.monitoring.binaries import why_absent
from compose.process.errors import EnvironmentFailed, StackNotRunning
from compose.stack.cache_view import cache
from compose.stack.health import complaints
from compose.stack.jobs.view import reported_jobs
from compose.stack.layout import Layout
from compose.stack.passwords import Passwords
from compose.stack.processes import orphans
from compose.stack.processes.supervision import ProcessState, Supervisor
from compose.stack.service import Plan
from compose.stack.services import every_service, monitoring
from compose.stack.state import Record, load_settings


def status(layout: Layout) -> dict[str, Any]:
    """The services and jobs of a running stack, as promised in the command line's reference.

    A process that runs and does not answer is ``unhealthy``, with a ``reason``. Raises StackNotRunning if there is
    none, and EnvironmentFailed if only its supervisor is down.
    """
    supervisor, record = Supervisor.find(layout), Record.read(layout)
    if supervisor is None and (left := orphans.find(layout)):
        raise EnvironmentFailed(
            f"the supervisor of the stack in {layout.root} is down and {len(left)} of its processes still run: "
            f"{orphans.describe(left)}; end them with `adctr --data-dir {layout.root} down`"
        )
    settings = load_settings(layout.root)
    if supervisor is None or record is None:
        raise StackNotRunning(layout.root)
    plan = Plan(layout, record.ports, Passwords.load(layout), settings)
    planned = every_service(plan)
    addresses = {service.name: service.address for service in planned} | monitoring.addresses(plan.ports)
    reasons = complaints(planned)
    processes = supervisor.processes()
    services = [
        {
            "name": process.name,
            "pid": process.pid or None,
            "address": addresses.get(process.name, "-"),
            **_state(process, reasons),
            "rss_bytes": resident_bytes(process.pid),
        }
        for process in processes
    ]
    services.append(
        {
            "name": "supervisord",
            "pid": supervisor.pid,
            "address": str(layout.socket),
            "state": "running",
            "reason": None,
            "rss_bytes": resident_bytes(supervisor.pid, children=False),
        }
    )
    found = [asdict(job) for job in reported_jobs(settings)]
    held = cache(settings)
    absent = [
        {"name": name, "reason": why_absent(name)} for name in monitoring.absent([each.name for each in processes])
    ]
    return {
        "data_dir": str(layout.root),
        "historic": record.historic,
        "services": services,
        "absent": absent,
        "jobs": found,
        "cache": None if held is None else asdict(held),
    }


def _state(process: ProcessState, reasons: Mapping[str, str]) -> dict[str, Any]:
    """A process that does not run needs no reason why it does not answer."""
    state = process.state.lower()
    if state == "running" and process.name in reasons:
        return {"state": "unhealthy", "reason": reasons[process.name]}
    return {"state": state, "reason": None}


def resident_bytes(pid: int, children: bool = True) -> int:
    """Resident memory of a process and its children; shared pages count in each of them."""
    if not pid:
        return 0
    try:
        process = psutil.Process(pid)
        family = [process, *(process.children(recursive=True) if children else [])]
    except psutil.Error:
        return 0
    total = 0
    for each in family:
        try:
            total += each.memory_info().rss
        except psutil.Error:
            continue
    return total
