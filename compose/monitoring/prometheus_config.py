"""prometheus.yml. Pure: addresses in, configuration out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from slo.spec.metrics import EXPORTER_JOB, FLINK_JOB, POSTGRES_JOB, REDIS_JOB

PROMETHEUS_JOB = "prometheus"
ALERTMANAGER_JOB = "alertmanager"

SCRAPE_SECONDS = 5
EVALUATION_SECONDS = 15


@dataclass(frozen=True)
class Targets:
    """The targets that Prometheus scrapes, as ``host:port``; empty where there is none.

    ``flink_names`` are DNS names with as many addresses as there are processes behind them, each with the metrics on
    ``flink_port``: that is how Compose scales.
    """

    exporter: str
    flink: Sequence[str] = ()
    flink_names: Sequence[str] = ()
    flink_port: int = 9249
    redis_exporter: str = ""
    postgres_exporter: str = ""
    alertmanager: str = ""
    prometheus: str = ""
    """Itself: the rules look at how many rules it has, and whether they can be evaluated."""


def prometheus_config(
    targets: Targets,
    rule_file: str,
    scrape_seconds: int = SCRAPE_SECONDS,
    evaluation_seconds: int = EVALUATION_SECONDS,
) -> dict[str, Any]:
    """The document. ``rule_file`` is a path as Prometheus sees it."""
    scrapes = [_scrape(EXPORTER_JOB, [targets.exporter], honor_labels=True), _flink(targets)]
    others = {
        REDIS_JOB: targets.redis_exporter,
        POSTGRES_JOB: targets.postgres_exporter,
        PROMETHEUS_JOB: targets.prometheus,
        ALERTMANAGER_JOB: targets.alertmanager,
    }
    for job, target in others.items():
        if target:
            scrapes.append(_scrape(job, [target]))
    config: dict[str, Any] = {
        "global": {"scrape_interval": f"{scrape_seconds}s", "evaluation_interval": f"{evaluation_seconds}s"},
        "rule_files": [rule_file],
        "scrape_configs": scrapes,
    }
    if targets.alertmanager:
        config["alerting"] = {"alertmanagers": [{"static_configs": [{"targets": [targets.alertmanager]}]}]}
    return config


def _scrape(job: str, targets: Sequence[str], honor_labels: bool = False) -> dict[str, Any]:
    """``honor_labels``: the exporter's own label ``job`` (the Flink job) stays, instead of the scrape's."""
    found: dict[str, Any] = {"job_name": job, "static_configs": [{"targets": list(targets)}]}
    return {**found, "honor_labels": True} if honor_labels else found


def _flink(targets: Targets) -> dict[str, Any]:
    found = _scrape(FLINK_JOB, targets.flink)
    if targets.flink_names:
        # An empty static list beside it would be a target group without targets.
        del found["static_configs"]
        names = {"names": list(targets.flink_names), "type": "A", "port": targets.flink_port, "refresh_interval": "5s"}
        found["dns_sd_configs"] = [names]
    return found
