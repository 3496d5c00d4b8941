"""Every alert without an objective fires and is resolved in a real Prometheus and Alertmanager.

What they watch is a page of metrics that the test writes: no stack can be made to have all of these troubles at once.
An hour passes in a minute.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from compose.monitoring import binaries
from compose.monitoring.alertmanager_config import alertmanager_config
from compose.monitoring.prometheus_config import Targets, prometheus_config
from slo.rules.rule_file import rule_file
from slo.rules.watchers import rule_group
from slo.spec.parse import load_bundled
from tests.integration.alerting import Inbox, an_hour_in_a_minute, free_port, process, required, webhook
from tests.integration.waiting import eventually

pytestmark = pytest.mark.long

MINUTES_SECONDS = 400.0
OURS = {rule.alert for rule in rule_group("adctr", "docs", 0, 1.0).rules if hasattr(rule, "alert")}

HEALTHY: Mapping[str, float] = {
    'adctr_letters_expiring{holds="dead_letters"}': 0,
    'adctr_job_blocked{job="adctr-live"}': 0,
    "adctr_default_partition_rows": 0,
    "adctr_disk_free_bytes": 60,
    "adctr_disk_size_bytes": 100,
    'prometheus_rule_group_rules{rule_group="x;adctr-x"}': 0,
    'prometheus_config_last_reload_successful{of="another"}': 1,
    "prometheus_tsdb_lowest_timestamp_seconds": 0,
    "prometheus_tsdb_size_retentions_total": 0,
    "prometheus_tsdb_time_retentions_total": 0,
}
STEPS: Mapping[str, float] = {
    'adctr_topic_records_total{holds="events"}': 1000,
    'adctr_topic_records_total{holds="dead_letters"}': 2,
    'adctr_topic_records_total{holds="late_events"}': 2,
    'prometheus_rule_evaluation_failures_total{rule_group="x;adctr-x"}': 0,
    'prometheus_rule_group_iterations_missed_total{rule_group="x;adctr-x"}': 0,
    'flink_jobmanager_job_numRestarts{job="flink", job_name="adctr-store"}': 0,
}
"""What each scrape adds to a counter."""

MILD: Mapping[str, float] = {
    "adctr_disk_free_bytes": 10,
    'adctr_topic_records_total{holds="dead_letters"}': 30,
    'adctr_topic_records_total{holds="late_events"}': 30,
    'flink_jobmanager_job_numRestarts{job="flink", job_name="adctr-store"}': 1,
}
MILD_ALERTS = {"DiskFills", "DeadLettersRate", "LateEventsRate", "JobRestarts"}
SEVERE: Mapping[str, float] = {
    **MILD,
    "adctr_disk_free_bytes": 2,
    'adctr_topic_records_total{holds="dead_letters"}': 300,
    'adctr_topic_records_total{holds="late_events"}': 300,
    'adctr_letters_expiring{holds="dead_letters"}': 3,
    'adctr_job_blocked{job="adctr-live"}': 1,
    "adctr_default_partition_rows": 5,
    'prometheus_rule_group_rules{rule_group="x;adctr-x"}': -500,
    'prometheus_config_last_reload_successful{of="another"}': 0,
    "prometheus_tsdb_lowest_timestamp_seconds": 2e10,
    "prometheus_tsdb_size_retentions_total": 1,
    'prometheus_rule_evaluation_failures_total{rule_group="x;adctr-x"}': 2,
    'flink_taskmanager_job_task_operator_numLateRecordsDropped{job="flink", job_name="adctr-live"}': 1,
}
SEVERE_ALERTS = {
    *("DiskAlmostFull", "DeadLettersBurst", "LateEventsBurst", "LateEventsRate", "DeadLettersExpire", "JobBlocked"),
    *("DefaultPartitionRows", "RulesMissing", "RulesFail", "ConfigNotReloaded", "HistoryTooShort", "RecordsDropped"),
    "TargetDown",
}
"""Not DiskFills, DeadLettersRate and JobRestarts, whose subject has a page."""
BY_OTHERS = {"Watchdog", "ExporterDown", "ProbeFails", "SamplesImplausible"}
"""The first goes elsewhere; the others are fired by a real exporter in tests/integration/test_alerts.py."""


@dataclass
class Page:
    """What is scraped as our exporter, and as what else the rules look at."""

    changes: Mapping[str, float] = field(default_factory=dict)
    scrapes: int = 0
    _counted: dict[str, float] = field(default_factory=dict)

    def text(self) -> str:
        self.scrapes += 1
        for name, step in STEPS.items():
            self._counted[name] = self._counted.get(name, 0.0) + self.changes.get(name, step)
        values = {**HEALTHY, **{name: value for name, value in self.changes.items() if name not in STEPS}}
        return "".join(f"{name} {value}\n" for name, value in {**values, **self._counted}.items())

    def of_flink(self) -> str | None:
        return None if self.changes is SEVERE else ""


@contextmanager
def served(text: Callable[[], str | None]) -> Iterator[str]:
    """A page's ``host:port``; there is none where the text is None."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = text()
            body = (found or "").encode()
            self.send_response(503 if found is None else 200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def on_call(page: Page, directory: Path) -> Iterator[Inbox]:
    """Prometheus and Alertmanager with our configuration; Flink's page is down while all else is severe."""
    port, manager_port = free_port(), free_port()
    with served(page.text) as exporter, served(page.of_flink) as flink, webhook() as inbox:
        targets = Targets(exporter, [flink], alertmanager=f"127.0.0.1:{manager_port}", prometheus=f"127.0.0.1:{port}")
        (directory / "rules.yaml").write_text(an_hour_in_a_minute(rule_file(load_bundled())), encoding="utf-8")
        (directory / "prometheus.yaml").write_text(yaml.safe_dump(prometheus_config(targets, "rules.yaml", 1, 1)))
        config = alertmanager_config(inbox.url, group_wait="1s", group_interval="1s")
        (directory / "alertmanager.yaml").write_text(yaml.safe_dump(config))
        serve = [required(binaries.PROMETHEUS), f"--config.file={directory / 'prometheus.yaml'}"]
        serve += [f"--storage.tsdb.path={directory / 'tsdb'}", f"--web.listen-address=127.0.0.1:{port}"]
        manage = [required(binaries.ALERTMANAGER), f"--config.file={directory / 'alertmanager.yaml'}"]
        manage += [f"--storage.path={directory / 'alerts'}", f"--web.listen-address=127.0.0.1:{manager_port}"]
        manage += ["--cluster.listen-address="]
        with process(manage, directory / "alertmanager.log"), process(serve, directory / "prometheus.log"):
            yield inbox


def test_every_alert_is_looked_at() -> None:
    assert MILD_ALERTS | SEVERE_ALERTS | BY_OTHERS == OURS


def test_each_fires_and_is_resolved_and_a_page_silences_its_tickets(tmp_path: Path) -> None:
    page = Page()
    with on_call(page, tmp_path) as inbox:
        # A busy machine may skip turns of rules, which RulesFail then rightly tells.
        left_out = BY_OTHERS | {"RulesFail"}

        def arrived(since: int) -> set[str]:
            return {alert for alert, status in inbox.got[since:] if status == "firing"} & OURS

        eventually("the page is scraped", lambda: page.scrapes > 5, MINUTES_SECONDS)
        for name, changes, alerts in (("mild", MILD, MILD_ALERTS), ("severe", SEVERE, SEVERE_ALERTS)):
            so_far = len(inbox.got)
            page.changes = changes
            eventually(f"{name}: all arrive", partial(_all_there, alerts, arrived, so_far), MINUTES_SECONDS)
            assert arrived(so_far) - left_out == alerts - left_out, name
            page.changes = {}
            eventually(f"{name}: all are resolved", lambda: not inbox.firing() & OURS - left_out, MINUTES_SECONDS)


def _all_there(wanted: set[str], arrived: Callable[[int], set[str]], since: int) -> bool:
    return wanted <= arrived(since)
