"""Prometheus, Alertmanager, the two exporters and Grafana: official images, configured as in the embedded stack."""

from __future__ import annotations

from typing import Any

import yaml

from compose.docker.containers import DONE, HEALTHY, OPS, Container, gets
from compose.docker.names import PORTS, TASK_MANAGER, required
from compose.monitoring.alertmanager_config import alertmanager_config
from compose.monitoring.prometheus_config import Targets, prometheus_config
from compose.stack.ports import EVERYWHERE, LOOPBACK
from compose.stack.service import Plan
from compose.stack.services import monitoring
from dashboards.ops.publish import FOLDER_TITLE, FOLDER_UID, data_source
from slo.rules.rule_file import rule_file
from slo.spec.parse import load_bundled

PROMETHEUS_IMAGE = "prom/prometheus:v2.53.4"
ALERTMANAGER_IMAGE = "prom/alertmanager:v0.27.0"
REDIS_EXPORTER_IMAGE = "oliver006/redis_exporter:v1.62.0-alpine"
POSTGRES_EXPORTER_IMAGE = "quay.io/prometheuscommunity/postgres-exporter:v0.15.0"
GRAFANA_IMAGE = "grafana/grafana:11.6.0"
GRAFANA_PASSWORD = "ADCTR_GRAFANA_PASSWORD"  # noqa: S105 - a variable's name
WEBHOOK = "ADCTR_ALERT_WEBHOOK_URL"
WATCHDOG = "ADCTR_WATCHDOG_URL"
GRAFANA_PORT = 3000
_NOBODY = "65534"
_ADDRESS_FILES = {WEBHOOK: "/etc/alertmanager/webhook-url", WATCHDOG: "/etc/alertmanager/watchdog-url"}
_CONFIG = "./config"
_RULES = "/etc/prometheus/rules.yaml"
_QUERIES = f"../monitoring/{monitoring.POSTGRES_QUERIES.name}"
_DASHBOARDS = "/var/lib/grafana/dashboards"


def containers(plan: Plan) -> dict[str, Container]:
    """Who watches, by name."""
    return {
        "prometheus": _prometheus(),
        "alertmanager": _alertmanager(),
        "redis-exporter": _redis_exporter(plan),
        "postgres-exporter": _postgres_exporter(plan),
        "grafana": _grafana(),
    }


def configs() -> dict[str, dict[str, str]]:
    """Where alerts go: such an address often carries a token, so it stands in `.env` alone."""
    return {
        "alert-webhook": {"content": f"${{{WEBHOOK}:-}}\n"},
        "alert-watchdog": {"content": f"${{{WATCHDOG}:-}}\n"},
    }


def files() -> dict[str, str]:
    """The configuration files that the containers mount, by name."""
    targets = Targets(
        exporter=f"exporter:{PORTS.exporter}",
        flink_names=("jobmanager", TASK_MANAGER),
        flink_port=PORTS.flink_metrics,
        redis_exporter=f"redis-exporter:{PORTS.redis_exporter}",
        postgres_exporter=f"postgres-exporter:{PORTS.postgres_exporter}",
        alertmanager=f"alertmanager:{PORTS.alertmanager}",
        prometheus=f"{LOOPBACK}:{PORTS.prometheus}",
    )
    return {
        "prometheus.yaml": _yaml(prometheus_config(targets, _RULES)),
        "rules.yaml": rule_file(load_bundled()),
        **{
            f"alertmanager{'-webhook' * bool(webhook)}{'-watchdog' * bool(watchdog)}.yaml": _yaml(
                _from_file(alertmanager_config(webhook, watchdog))
            )
            for webhook in ("", WEBHOOK)
            for watchdog in ("", WATCHDOG)
        },
        "grafana-source.yaml": _yaml(_data_source()),
        "grafana-dashboards.yaml": _yaml(_dashboard_folder()),
    }


def other_files() -> dict[str, str]:
    """The files that they mount from elsewhere in this repository, by path as in a volume."""
    return {_QUERIES: monitoring.POSTGRES_QUERIES.read_text(encoding="utf-8")}


def _yaml(document: Any) -> str:
    return yaml.safe_dump(document, sort_keys=False)


def _from_file(config: dict[str, Any]) -> dict[str, Any]:
    """An address comes from the file that Compose writes, by the variable that stands in its place."""
    for receiver in config["receivers"]:
        for hook in receiver.get("webhook_configs", []):
            hook["url_file"] = _ADDRESS_FILES[hook.pop("url")]
    return config


def _prometheus() -> Container:
    address = f"{EVERYWHERE}:{PORTS.prometheus}"
    return Container(
        image=PROMETHEUS_IMAGE,
        profile=OPS,
        user=_NOBODY,
        memory="512M",
        command=monitoring.prometheus_options("/etc/prometheus/prometheus.yaml", "/prometheus", address),
        check=gets(f"http://{LOOPBACK}:{PORTS.prometheus}/-/ready"),
        ports={"prometheus": PORTS.prometheus},
        volumes=[
            f"{_CONFIG}/prometheus.yaml:/etc/prometheus/prometheus.yaml:ro",
            f"{_CONFIG}/rules.yaml:{_RULES}:ro",
            "prometheus:/prometheus",
        ],
        scratch=(),
    )


def _alertmanager() -> Container:
    config = "/etc/alertmanager/alertmanager.yaml"
    return Container(
        image=ALERTMANAGER_IMAGE,
        profile=OPS,
        user=_NOBODY,
        memory="128M",
        command=monitoring.alertmanager_options(config, "/alertmanager", f"{EVERYWHERE}:{PORTS.alertmanager}"),
        check=gets(f"http://{LOOPBACK}:{PORTS.alertmanager}/-/ready"),
        ports={"alertmanager": PORTS.alertmanager},
        # The one with the receivers that have an address.
        volumes=[
            f"{_CONFIG}/alertmanager${{{WEBHOOK}:+-webhook}}${{{WATCHDOG}:+-watchdog}}.yaml:{config}:ro",
            "alertmanager:/alertmanager",
        ],
        more={
            "configs": [
                {"source": "alert-webhook", "target": _ADDRESS_FILES[WEBHOOK]},
                {"source": "alert-watchdog", "target": _ADDRESS_FILES[WATCHDOG]},
            ]
        },
    )


def _redis_exporter(plan: Plan) -> Container:
    return Container(
        image=REDIS_EXPORTER_IMAGE,
        profile=OPS,
        user=_NOBODY,
        memory="64M",
        command=("-web.listen-address", f"{EVERYWHERE}:{PORTS.redis_exporter}"),
        environment=monitoring.redis_exporter_environment(plan.settings),
        check=gets(f"http://{LOOPBACK}:{PORTS.redis_exporter}/health"),
        needs={"redis": HEALTHY},
        scratch=(),
    )


def _postgres_exporter(plan: Plan) -> Container:
    queries = "/etc/postgres_queries.yaml"
    return Container(
        image=POSTGRES_EXPORTER_IMAGE,
        profile=OPS,
        user=_NOBODY,
        memory="64M",
        command=monitoring.postgres_exporter_options(
            queries, f"{EVERYWHERE}:{PORTS.postgres_exporter}", monitoring.BGWRITER_FLAG
        ),
        environment=monitoring.postgres_exporter_environment(plan.settings),
        check=gets(f"http://{LOOPBACK}:{PORTS.postgres_exporter}/"),
        needs={"provision": DONE},
        volumes=[f"{_QUERIES}:{queries}:ro"],
        scratch=(),
    )


def _grafana() -> Container:
    return Container(
        image=GRAFANA_IMAGE,
        profile=OPS,
        user="472",
        memory="512M",
        environment={
            "GF_SECURITY_ADMIN_PASSWORD": required(GRAFANA_PASSWORD),
            "GF_ANALYTICS_REPORTING_ENABLED": "false",
            "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
            "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES": "false",
            # Else 11.6 fetches apps of Grafana's that nobody here uses, at every start.
            "GF_PLUGINS_PREINSTALL_DISABLED": "true",
        },
        check=gets(f"http://{LOOPBACK}:{GRAFANA_PORT}/api/health"),
        needs={"prometheus": HEALTHY},
        ports={"grafana": GRAFANA_PORT},
        volumes=[
            f"{_CONFIG}/grafana-source.yaml:/etc/grafana/provisioning/datasources/adctr.yaml:ro",
            f"{_CONFIG}/grafana-dashboards.yaml:/etc/grafana/provisioning/dashboards/adctr.yaml:ro",
            f"../../dashboards/ops/json:{_DASHBOARDS}:ro",
            "grafana:/var/lib/grafana",
        ],
    )


def _data_source() -> dict[str, Any]:
    return {"apiVersion": 1, "datasources": [data_source(f"http://prometheus:{PORTS.prometheus}")]}


def _dashboard_folder() -> dict[str, Any]:
    # With the uid of `adctr grafana publish`, which would make a second folder of this name otherwise.
    provider = {
        "name": "adctr",
        "type": "file",
        "folder": FOLDER_TITLE,
        "folderUid": FOLDER_UID,
        "options": {"path": _DASHBOARDS},
    }
    return {"apiVersion": 1, "providers": [provider]}
