"""The project's own processes in the stack: the canaries, the keeper of the Flink jobs and that of the cache."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterable
from contextlib import closing

from compose.stack.service import Plan, Service
from compose.stack.services import flink
from pipeline.settings import Settings


def services(plan: Plan) -> list[Service]:
    """The canaries (not for a historic load, whose record times they would mix with today's) and the two keepers.

    Each is told those passwords that it needs, and no others.
    """
    found = []
    if not plan.settings.historic:
        found.append(_python(plan, "canary", "pipeline.canary", needs=("topics",), secrets=()))
    needs = ("topics", "tables", "redis")
    secrets: tuple[str, ...] = ("redis_writer_password", "postgres_reader_password", "postgres_keeper_password")
    keeper = _python(plan, "cache-keeper", "pipeline.cache_keeper", needs, secrets)
    found.append(dataclasses.replace(keeper, check=lambda: _check_cache(plan)))
    needs = ("topics", "tables", "jobmanager")
    secrets = ("redis_writer_password", "postgres_writer_password")
    extra = {**flink.environment(plan.layout), **plan.job_links.environment()}
    found.append(_python(plan, "jobs", "compose.stack.jobs.keeper", needs, secrets, extra))
    return found


def _check_cache(plan: Plan) -> None:
    # Imported late: their clients take a while to load, and the other services need not wait for them.
    from pipeline.cache.cache_rebuild import is_complete
    from pipeline.cache.cache_writer import writer_client

    # As the keeper itself, which is told no other password.
    with closing(writer_client(plan.settings)) as client:
        if not is_complete(client):
            raise ConnectionError("Redis is being restored from PostgreSQL")


def without_secrets(settings: Settings, but: Iterable[str]) -> Settings:
    """The settings with no passwords but the named ones."""
    names = [field.name for field in dataclasses.fields(settings) if field.name.endswith("_password")]
    return dataclasses.replace(settings, **{name: "" for name in names if name not in but})  # type: ignore[arg-type]


def _python(
    plan: Plan,
    name: str,
    module: str,
    needs: tuple[str, ...],
    secrets: tuple[str, ...],
    extra: dict[str, str] | None = None,
) -> Service:
    told = without_secrets(plan.settings, secrets)
    return Service(
        name=name,
        command=(sys.executable, "-m", module),
        address="-",
        environment={**told.to_env(), "ADCTR_DATA_DIR": str(plan.layout.root), **(extra or {})},
        needs=needs,
        check=lambda: None,
    )
