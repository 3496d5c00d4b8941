"""The project's own processes in the stack: the canaries and the keeper of the Flink jobs."""

from __future__ import annotations

import importlib.util
import sys

from compose.stack.service import Plan, Service
from compose.stack.services.flink import client_environment


def services(plan: Plan) -> list[Service]:
    """The canaries (not for a historic load, whose record times they would mix with today's) and the job keeper."""
    found = []
    if not plan.settings.historic and exists("pipeline.canary"):
        found.append(_python(plan, "canary", "pipeline.canary", needs=("topics",)))
    if exists("compose.stack.jobs"):
        needs = ("topics", "tables", "jobmanager")
        extra = {**client_environment(plan.layout), **plan.job_environment}
        found.append(_python(plan, "jobs", "compose.stack.jobs", needs, extra))
    return found


def exists(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _python(plan: Plan, name: str, module: str, needs: tuple[str, ...], extra: dict[str, str] | None = None) -> Service:
    return Service(
        name=name,
        command=(sys.executable, "-m", module),
        address="-",
        environment={**plan.settings.to_env(), "ADCTR_DATA_DIR": str(plan.layout.root), **(extra or {})},
        needs=needs,
        check=lambda: None,
    )
