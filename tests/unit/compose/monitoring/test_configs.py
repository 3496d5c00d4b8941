"""What Prometheus and Alertmanager are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from compose.monitoring import binaries
from compose.monitoring.alertmanager_config import alertmanager_config
from compose.monitoring.prometheus_config import Targets, prometheus_config


def test_who_is_not_there_is_not_asked() -> None:
    config = prometheus_config(Targets(exporter="127.0.0.1:9108", flink=["127.0.0.1:9249"]), "rules.yaml")
    assert [scrape["job_name"] for scrape in config["scrape_configs"]] == ["adctr", "flink"]
    assert "alerting" not in config


def test_the_exporters_job_label_is_the_flink_job() -> None:
    """Without honor_labels it would be `exported_job`, and rules by job would find nothing."""
    scrapes = prometheus_config(Targets(exporter="a:1", redis_exporter="b:2"), "r")["scrape_configs"]
    assert scrapes[0]["honor_labels"] is True
    assert [scrape.get("honor_labels", False) for scrape in scrapes[1:]] == [False, False]


def test_scaled_flink_is_found_by_name() -> None:
    targets = Targets(exporter="a:1", flink_names=["jobmanager", "taskmanager"], alertmanager="alertmanager:9093")
    config = prometheus_config(targets, "r")
    flink = config["scrape_configs"][1]
    assert flink["dns_sd_configs"][0]["names"] == ["jobmanager", "taskmanager"]
    assert "static_configs" not in flink
    assert config["alerting"]["alertmanagers"][0]["static_configs"] == [{"targets": ["alertmanager:9093"]}]


def test_without_a_webhook_nobody_is_told() -> None:
    assert alertmanager_config("")["route"]["receiver"] == "nobody"
    config = alertmanager_config("http://127.0.0.1:1/hook")
    assert config["route"]["receiver"] == "webhook"
    assert config["receivers"][1]["webhook_configs"] == [{"url": "http://127.0.0.1:1/hook", "send_resolved": True}]


def test_debians_names_are_found_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Upstream's is taken where both are there."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert binaries.find("redis-exporter") is None
    for name in ("prometheus-redis-exporter", "redis_exporter"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
        assert binaries.find("redis-exporter") == tmp_path / name
    assert "prometheus-alertmanager" in binaries.why_absent("alertmanager")
