"""What a container of the project's image does: ``python -m compose.docker.run …``.

``SERVICE``: prepares that service as the embedded stack would and becomes its process.
``check SERVICE``: its health check. ``provision``: makes topics and tables. ``adctr …``: the command line.
"""

from __future__ import annotations

import dataclasses
import os
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from compose.docker.names import DATA, PORTS, TASK_MANAGER
from compose.process.errors import UsageError
from compose.process.guard import run_guarded
from compose.stack.jobs.view import check_jobs
from compose.stack.layout import Layout
from compose.stack.passwords import Passwords
from compose.stack.ports import EVERYWHERE
from compose.stack.service import Plan, Service
from compose.stack.services import dashboard, flink, monitoring, python_services
from compose.stack.services.flink import check_registered
from compose.stack.state import REMOTE, STACK_VARIABLE
from pipeline.settings import Settings


def plan_of(environ: Mapping[str, str]) -> Plan:
    """The plan inside a container: settings from its environment, and no passwords but those in them."""
    none = Passwords(**{each.name: "" for each in dataclasses.fields(Passwords)})
    layout = Layout.of(Path(environ.get("ADCTR_DATA_DIR", DATA)))
    return Plan(layout, PORTS, none, Settings.from_env(environ), monitoring=True, listen=EVERYWHERE)


def services(plan: Plan) -> dict[str, Service]:
    """The embedded stack's services that the image has, by name; whose configuration one needs, it writes."""
    manager = flink.services(plan)[0]
    rest_url = plan.settings.flink_rest_url
    me = socket.gethostname()
    worker = dataclasses.replace(
        manager,
        name=TASK_MANAGER,
        command=flink.task_manager_command(plan, me, plan.ports.flink_metrics),
        address=me,
        check=lambda: check_registered(rest_url, me),
    )
    ours = {each.name: each for each in python_services.services(plan)}
    # The keeper is the client of Flink as well, which wants the same files.
    keeper = dataclasses.replace(ours["jobs"], prepare=manager.prepare, check=lambda: check_jobs(rest_url))
    told = python_services.without_secrets(plan.settings, ("redis_reader_password", "postgres_reader_password"))
    exporter = dataclasses.replace(monitoring.exporter(plan), environment=told.to_env())
    found = [manager, worker, *ours.values(), keeper, *dashboard.services(plan), exporter]
    return {each.name: each for each in found}


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> None:
    """Does what is asked for; of a service it comes back only with an error."""
    if not arguments:
        raise UsageError(f"what to run? {__doc__}")
    name, *more = arguments
    if name == "adctr":
        become((sys.executable, "-m", "compose.cli", *more), {**environ, STACK_VARIABLE: REMOTE})
    plan = plan_of(environ)
    if name == "provision":
        provision(plan.settings)
        return
    known = services(plan)
    wanted = more[0] if name == "check" and more else name
    if wanted not in known:
        raise UsageError(f"service {wanted!r}: the image has {', '.join(known)}, provision and adctr")
    service = known[wanted]
    if name == "check":
        service.check()
        return
    plan.layout.create()
    service.prepare()
    become(service.command, {**environ, **service.environment, STACK_VARIABLE: REMOTE})


def provision(settings: Settings) -> None:
    """Topics, schema and tables; what is there stays."""
    from pipeline.provision import provision as make_topics
    from pipeline.store import migrate

    make_topics(settings)
    migrate(settings)


def become(command: Sequence[str], environ: Mapping[str, str]) -> None:
    """This process goes on as another program."""
    os.execvpe(command[0], list(command), dict(environ))  # noqa: S606


if __name__ == "__main__":
    raise SystemExit(run_guarded(lambda: main(sys.argv[1:], os.environ)))
