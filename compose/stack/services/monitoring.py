"""Who watches the stack: our exporter always; Prometheus, Alertmanager and two exporters where they are on PATH."""

from __future__ import annotations

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
from pipeline.cache_access import CacheUser

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
    return [_exporter(plan), *(makers[name](plan, str(program)) for name, program in programs.items() if program)]


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


def _exporter(plan: Plan) -> Service:
    command = [sys.executable, "-m", "compose.cli", "--data-dir", str(plan.layout.root), "slo", "export"]
    command += ["--port", str(plan.ports.exporter), "--verify-every", VERIFY_EVERY]
    # Earlier, its first comparison of all counts would find nothing counted, and the next is half an hour later.
    return _service(plan, EXPORTER, command, "/metrics", needs=("jobs running",))


def _prometheus(plan: Plan, program: str) -> Service:
    config = plan.layout.run / "prometheus.yaml"
    command = [program, f"--config.file={config}", f"--storage.tsdb.path={plan.layout.of_service('prometheus')}"]
    command += [*RETENTION, f"--web.listen-address={LOOPBACK}:{plan.ports.prometheus}", "--log.level=warn"]
    return _service(plan, binaries.PROMETHEUS, command, "/-/ready", prepare=lambda: _prepare_prometheus(plan, config))


def _prepare_prometheus(plan: Plan, config: Path) -> None:
    from slo.rules.rule_file import rule_file
    from slo.spec.load import load_bundled

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
    )


def _alertmanager(plan: Plan, program: str) -> Service:
    config = plan.layout.run / "alertmanager.yaml"
    command = [program, f"--config.file={config}", f"--storage.path={plan.layout.of_service('alertmanager')}"]
    command += [f"--web.listen-address={LOOPBACK}:{plan.ports.alertmanager}", "--cluster.listen-address="]
    text = yaml.safe_dump(alertmanager_config(plan.settings.alert_webhook_url), sort_keys=False)
    # Private: webhook addresses often carry a token.
    return _service(plan, binaries.ALERTMANAGER, command, "/-/ready", prepare=lambda: write_private(config, text))


def _redis_exporter(plan: Plan, program: str) -> Service:
    environment = {
        "REDIS_ADDR": f"redis://{plan.settings.redis_host}:{plan.settings.redis_port}",
        "REDIS_USER": str(CacheUser.READER),
        "REDIS_PASSWORD": plan.settings.redis_reader_password,
    }
    command = [program, "-web.listen-address", f"{LOOPBACK}:{plan.ports.redis_exporter}"]
    return _service(plan, binaries.REDIS_EXPORTER, command, "/health", environment=environment)


def _postgres_exporter(plan: Plan, program: str) -> Service:
    settings = plan.settings
    environment = {
        "DATA_SOURCE_URI": f"{settings.postgres_host}:{settings.postgres_port}/{settings.postgres_database}"
        "?sslmode=disable",
        "DATA_SOURCE_USER": "adctr_reader",
        "DATA_SOURCE_PASS": settings.postgres_reader_password,
    }
    command = [program, f"--web.listen-address={LOOPBACK}:{plan.ports.postgres_exporter}"]
    command += [f"--extend.query-path={POSTGRES_QUERIES}", *POSTGRES_EXPORTER_OPTIONS]
    return _service(plan, binaries.POSTGRES_EXPORTER, command, "/", environment=environment, needs=("tables",))


POSTGRES_QUERIES = resources.files("compose.monitoring") / "postgres_queries.yaml"
POSTGRES_EXPORTER_OPTIONS = ("--disable-settings-metrics", "--no-collector.bgwriter", "--log.level=warn")
"""PostgreSQL 17 took half of pg_stat_bgwriter's columns away; settings are hundreds of series that nobody looks at."""


def _get(url: str) -> None:
    with urllib.request.urlopen(url, timeout=_PROBE_SECONDS) as response:
        response.read()
