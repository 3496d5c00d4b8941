"""The business dashboard: Streamlit on the loopback interface, as a reader."""

from __future__ import annotations

import dataclasses
import sys
import urllib.request
from pathlib import Path

import dashboards.business
from compose.stack.ports import LOOPBACK
from compose.stack.service import Plan, Service
from dashboards.business.settings import Limits
from pipeline.canary import PERIOD_SECONDS
from pipeline.settings import ENV_PREFIX, Settings

NAME = "dashboard"
STALE_SECONDS = 30.0
_PROBE_SECONDS = 2.0
_PAGE = Path(dashboards.business.__file__).with_name("app.py")
_NEEDED = (
    "redis_host", "redis_port", "redis_reader_password", "postgres_host", "postgres_port", "postgres_database",
    "postgres_reader_password", "allowed_lateness_seconds", "record_slack_seconds", "out_of_orderness_seconds",
    "cache_retention_seconds", "dashboard_refresh_seconds",
)  # fmt: skip
"""What a reader has to know. Nobody who gets into the page's process can write anywhere."""


def services(plan: Plan) -> list[Service]:
    """The dashboard of a stack that has one."""
    if not plan.settings.dashboard_url:
        return []
    return [
        Service(
            name=NAME,
            command=command(plan.ports.dashboard, plan.listen),
            address=plan.settings.dashboard_url,
            environment=environment(plan.settings),
            needs=("tables",),
            check=lambda: check(plan.settings.dashboard_url),
        )
    ]


def command(port: int, listen: str = LOOPBACK) -> tuple[str, ...]:
    """The process that serves the page. What matters for safety is an argument: those win over anybody's own files."""
    options = {
        "server.address": listen,
        "server.port": str(port),
        "server.headless": "true",
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": "false",
        "browser.serverAddress": LOOPBACK,
        # Streamlit's own export leaves formulas in names as they are; the page has one of its own.
        "client.disableDataExport": "true",
    }
    return (
        sys.executable, "-m", "streamlit", "run", str(_PAGE),
        *(part for key, value in options.items() for part in (f"--{key}", value)),
    )  # fmt: skip


def environment(settings: Settings) -> dict[str, str]:
    """Addresses and passwords of a reader, and the objectives that the page can judge itself by."""
    everything = settings.to_env()
    needed = {key: everything[key] for key in (ENV_PREFIX + name.upper() for name in _NEEDED)}
    return {**needed, **limits().to_env()}


def limits() -> Limits:
    """Of the bundled objectives. The newest event may be a canary's period older than its way into the store."""
    from slo.spec.parse import load_bundled

    objectives = load_bundled()

    def value(name: str) -> float:
        found = objectives.objective(name).value
        assert found is not None, f"{name} has a value"
        return found

    return dataclasses.replace(
        Limits(),
        event_age_redis_seconds=value("event_to_redis") + PERIOD_SECONDS,
        event_age_postgres_seconds=value("event_to_postgres") + PERIOD_SECONDS,
        cache_read_seconds=value("cache_read"),
        stale_seconds=STALE_SECONDS,
    )


def check(url: str) -> None:
    """Returns if the page is served. Raises OSError if it is not."""
    with urllib.request.urlopen(f"{url}/_stcore/health", timeout=_PROBE_SECONDS) as response:
        response.read()
