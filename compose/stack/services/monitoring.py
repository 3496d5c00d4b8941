"""Who watches the stack: our exporter always; Prometheus, Alertmanager and two exporters where they are on PATH."""

from __future__ import annotations

import subprocess
import sys
import urllib.request
from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path

import yaml

from compose.monitoring import binaries
from compose.monitoring.alertmanager_config import alertmanager_config
from compose.monitoring.prometheus_config import Targets, prometheus_config
from compose.stack.layout import write_private
from compose.stack.ports import LOOPBACK, Ports
from compose.stack.service import Plan, Service
from pipeline.cache.cache_access import CacheUser
from pipeline.settings import Settings
from pipeline.store.db_connector import MONITOR

EXPORTER = "exporter"
NAMES = (EXPORTER, *binaries.NAMES)
"""Every service of this module."""

VERIFY_EVERY = "30m"
"""A fold of the whole topic costs a core for a minute where it holds 20 million records."""
RETENTION = ("--storage.tsdb.retention.time=30d", "--storage.tsdb.retention.size=1GB")
_PROBE_SECONDS = 2.0


def services(plan: Plan) -> list[Service]:
    """Nothing for a stack without monitoring."""
    if not plan.monitoring:
        return []
    makers: dict[str, Callable[[Plan, str], Service]] = {
        binaries.PROMETHEUS: _prometheus,
        binaries.ALERTMANAGER: _alertmanager,
        binaries.REDIS_EXPORTER: _redis_exporter,
        binaries.POSTGRES_EXPORTER: _postgres_exporter,
    }
    programs = {name: binaries.find(name) for name in makers}
    return [exporter(plan), *(makers[name](plan, str(program)) for name, program in programs.items() if program)]


def unused_ports(monitoring: bool) -> frozenset[str]:
    """Purposes in `Ports` that nobody will listen on: somebody else's Prometheus may have 9090 where we start none."""
    flink = {"flink_metrics", "flink_live_metrics", "flink_store_metrics"}
    if not monitoring:
        return frozenset({*(name.replace("-", "_") for name in NAMES), *flink})
    return frozenset(name.replace("-", "_") for name in binaries.NAMES if not binaries.find(name))


def absent(running: Sequence[str]) -> list[str]:
    """The services that would be there if their programs were; none where nobody asked for monitoring."""
    return [name for name in binaries.NAMES if name not in running] if EXPORTER in running else []


def addresses(ports: Ports) -> dict[str, str]:
    """Where each service is found, by name."""
    found = (ports.exporter, ports.prometheus, ports.alertmanager, ports.redis_exporter, ports.postgres_exporter)
    return {name: f"http://{LOOPBACK}:{port}" for name, port in zip(NAMES, found, strict=True)}


def _service(plan: Plan, name: str, command: Sequence[str], path: str, **more: object) -> Service:
    """One that is healthy when it answers on ``path``."""
    address = addresses(plan.ports)[name]
    return Service(
        name=name,
        command=tuple(command),
        address=address,
        check=lambda: _get(address + path),
        **more,  # type: ignore[arg-type]
    )


def exporter(plan: Plan) -> Service:
    """Our own; the one part of the monitoring that is there in any case."""
    command = [sys.executable, "-m", "compose.cli", "--data-dir", str(plan.layout.root), "slo", "export"]
    command += ["--port", str(plan.ports.exporter), "--listen", plan.listen, "--verify-every", VERIFY_EVERY]
    # Earlier, its first comparison of all counts would find nothing counted, and the next is half an hour later.
    return _service(plan, EXPORTER, command, "/metrics", needs=("jobs running",))


def _prometheus(plan: Plan, program: str) -> Service:
    config = plan.layout.run / "prometheus.yaml"
    address = f"{LOOPBACK}:{plan.ports.prometheus}"
    command = [program, *prometheus_options(str(config), str(plan.layout.of_service("prometheus")), address)]
    return _service(plan, binaries.PROMETHEUS, command, "/-/ready", prepare=lambda: _prepare_prometheus(plan, config))


def prometheus_options(config: str, storage: str, address: str) -> tuple[str, ...]:
    """Prometheus's command line."""
    where = (f"--config.file={config}", f"--storage.tsdb.path={storage}", f"--web.listen-address={address}")
    return (*where, *RETENTION, "--log.level=warn")


def _prepare_prometheus(plan: Plan, config: Path) -> None:
    from slo.rules.rule_file import rule_file
    from slo.spec.parse import load_bundled

    rules = plan.layout.run / "rules.yaml"
    rules.write_text(rule_file(load_bundled()), encoding="utf-8")
    document = prometheus_config(targets(plan.ports), str(rules))
    config.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")


def targets(ports: Ports) -> Targets:
    """Every address that this stack's Prometheus may ask. One whose program is not there is left out."""

    def at(port: int) -> str:
        return f"{LOOPBACK}:{port}"

    def if_there(name: str, port: int) -> str:
        return at(port) if binaries.find(name) else ""

    return Targets(
        exporter=at(ports.exporter),
        flink=[at(port) for port in (ports.flink_metrics, ports.flink_live_metrics, ports.flink_store_metrics)],
        redis_exporter=if_there(binaries.REDIS_EXPORTER, ports.redis_exporter),
        postgres_exporter=if_there(binaries.POSTGRES_EXPORTER, ports.postgres_exporter),
        alertmanager=if_there(binaries.ALERTMANAGER, ports.alertmanager),
        prometheus=at(ports.prometheus),
    )


def _alertmanager(plan: Plan, program: str) -> Service:
    config = plan.layout.run / "alertmanager.yaml"
    address = f"{LOOPBACK}:{plan.ports.alertmanager}"
    command = [program, *alertmanager_options(str(config), str(plan.layout.of_service("alertmanager")), address)]
    text = yaml.safe_dump(
        alertmanager_config(plan.settings.alert_webhook_url, plan.settings.watchdog_url), sort_keys=False
    )
    # Private: webhook addresses often carry a token.
    return _service(plan, binaries.ALERTMANAGER, command, "/-/ready", prepare=lambda: write_private(config, text))


def alertmanager_options(config: str, storage: str, address: str) -> tuple[str, ...]:
    """Alertmanager's command line: one that has no others to agree with."""
    where = (f"--config.file={config}", f"--storage.path={storage}", f"--web.listen-address={address}")
    return (*where, "--cluster.listen-address=")


def _redis_exporter(plan: Plan, program: str) -> Service:
    environment = redis_exporter_environment(plan.settings)
    command = [program, "-web.listen-address", f"{LOOPBACK}:{plan.ports.redis_exporter}"]
    return _service(plan, binaries.REDIS_EXPORTER, command, "/health", environment=environment)


def redis_exporter_environment(settings: Settings) -> dict[str, str]:
    """The server that redis_exporter reads, and its user."""
    return {
        "REDIS_ADDR": f"redis://{settings.redis_host}:{settings.redis_port}",
        "REDIS_USER": str(CacheUser.READER),
        "REDIS_PASSWORD": settings.redis_reader_password,
    }


def _postgres_exporter(plan: Plan, program: str) -> Service:
    address = f"{LOOPBACK}:{plan.ports.postgres_exporter}"
    command = [program, *postgres_exporter_options(str(POSTGRES_QUERIES), address, bgwriter_flag(program))]
    environment = postgres_exporter_environment(plan.settings)
    return _service(plan, binaries.POSTGRES_EXPORTER, command, "/", environment=environment, needs=("tables",))


def postgres_exporter_environment(settings: Settings) -> dict[str, str]:
    """The server that postgres_exporter reads, and its user."""
    return {
        "DATA_SOURCE_URI": f"{settings.postgres_host}:{settings.postgres_port}/{settings.postgres_database}"
        "?sslmode=disable",
        "DATA_SOURCE_USER": MONITOR,
        "DATA_SOURCE_PASS": settings.postgres_monitor_password,
    }


def postgres_exporter_options(queries: str, address: str, bgwriter: str) -> tuple[str, ...]:
    """postgres_exporter's command line; ``queries`` is the file with ours, ``bgwriter`` see `bgwriter_flag`.

    PostgreSQL 17 removed half of pg_stat_bgwriter's columns; settings would be hundreds of series that no panel shows.
    """
    where = (f"--web.listen-address={address}", f"--extend.query-path={queries}")
    return (*where, "--disable-settings-metrics", bgwriter, "--log.level=warn")


def bgwriter_flag(program: str) -> str:
    """The flag that turns the collector of pg_stat_bgwriter off: 0.13 renamed it, and other versions exit on it.

    Asks ``program --help``, as only the program knows. Raises OSError where it can't be started.
    """
    asked = subprocess.run([program, "--help"], capture_output=True, text=True, timeout=_HELP_SECONDS, check=False)
    old = "collector.bgwriter" in asked.stdout + asked.stderr
    return "--no-collector.bgwriter" if old else BGWRITER_FLAG


POSTGRES_QUERIES = resources.files("compose.monitoring") / "postgres_queries.yaml"
BGWRITER_FLAG = "--no-collector.stat_bgwriter"
"""The name of the flag in postgres_exporter 0.13 and later."""
_HELP_SECONDS = 10.0


def _get(url: str) -> None:
    with urllib.request.urlopen(url, timeout=_PROBE_SECONDS) as response:
        response.read()
