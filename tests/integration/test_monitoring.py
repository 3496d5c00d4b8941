"""The stack's own Prometheus: everything is asked, and every expression of every panel and rule has a result."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
import requests
import yaml

from compose.monitoring import binaries
from compose.stack.services import monitoring
from compose.stack.state import Record
from compose.stack.status import status
from dashboards.ops.catalogue import texts
from slo.rules.rule_file import rule_file
from slo.spec.parse import load_bundled
from tests.integration.alerting import required
from tests.integration.waiting import eventually

if TYPE_CHECKING:
    from tests.integration.conftest import RunningStack

pytestmark = pytest.mark.embedded

SOON_SECONDS = 180.0
EMPTY = {
    "adctr_load_runs_active > 0": "only while a load run goes on",
    "adctr_drills_active > 0": "only while a drill goes on",
}
"""Expressions without a result, and why that is right."""
NOT_YET = {
    "adctr_window_close_lateness_seconds": "the first window of a new stack takes a minute to close",
    "adctr_dashboard_age_seconds": "only while somebody looks at the business view",
    'objective="dashboard_refresh"': "its rules have nothing to compute from then",
}
"""Metrics that a stack may not have, and why; expressions over them may be empty."""
METRIC = re.compile(r"\b(?:adctr[_:]|flink_|redis_|pg_)[a-zA-Z0-9_:]+|\bup\b|\bALERTS\b")


@pytest.fixture(scope="module")
def prometheus(stack: RunningStack) -> str:
    """The address of the stack's Prometheus; needs the exporters of Redis and PostgreSQL as well."""
    for program in binaries.NAMES:
        required(program)
    record = Record.read(stack.layout)
    assert record is not None
    return monitoring.addresses(record.ports)["prometheus"]


@pytest.fixture(scope="module")
def load(stack: RunningStack) -> Iterator[None]:
    """A load with late and invalid events, so that there is something to count."""
    command = [sys.executable, "-m", "compose.cli", "--data-dir", str(stack.data_dir), "load", "run"]
    command += ["--rate", "300", "--seconds", "8", "--profile", "disorder"]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    yield
    assert running.wait(60) == 0


def ask(prometheus: str, path: str, **parameters: str) -> Any:
    answer = requests.get(f"{prometheus}/api/v1/{path}", params=parameters, timeout=10)
    assert answer.ok, f"{parameters}: {answer.text}"
    return answer.json()["data"]


def expressions() -> list[tuple[str, str]]:
    """(where, PromQL) of every panel and annotation, with Grafana's variables filled in."""
    found = []
    for name, text in texts(load_bundled()).items():
        document = json.loads(text)
        for panel in document["panels"]:
            found += [(f"{name}: {panel['title']}", target["expr"]) for target in panel.get("targets") or ()]
        found += [(f"{name}: {row['name']}", row["expr"]) for row in document["annotations"]["list"] if row.get("expr")]
    return [(where, expr.replace("$__rate_interval", "1m")) for where, expr in found]


def test_status_tells_who_watches(stack: RunningStack) -> None:
    """What is on PATH runs, what is not is named with what to do; the exporter is there in any case."""
    found = status(stack.layout)
    running = {row["name"]: row for row in found["services"]}
    assert running["exporter"]["state"] == "running"
    there = {name for name in binaries.NAMES if binaries.find(name)}
    assert there <= set(running)
    assert {row["name"] for row in found["absent"]} == set(binaries.NAMES) - there
    assert all(row["address"].startswith("http://127.0.0.1:") for name, row in running.items() if name in there)


def test_everybody_is_asked_and_answers(prometheus: str) -> None:
    """Our exporter, three processes of Flink, Redis's and PostgreSQL's exporters, Prometheus and Alertmanager."""

    def health() -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for target in ask(prometheus, "targets")["activeTargets"]:
            found.setdefault(target["scrapePool"], []).append(target["health"])
        return found

    alone = {name: ["up"] for name in ("adctr", "redis", "postgres", "prometheus", "alertmanager")}
    wanted = {**alone, "flink": ["up"] * 3}
    eventually("every target is up", lambda: health() == wanted, SOON_SECONDS)


def test_every_rule_is_evaluated(prometheus: str) -> None:
    """Without an error, and there are as many as in the file that the objectives give."""

    def rules() -> list[dict[str, Any]]:
        return [rule for group in ask(prometheus, "rules")["groups"] for rule in group["rules"]]

    eventually("all rules were looked at", lambda: all(rule["health"] == "ok" for rule in rules()), SOON_SECONDS)
    text = rule_file(load_bundled())
    assert len(rules()) == text.count("- alert:") + text.count("- record:")


def test_every_expression_of_every_panel_has_data(prometheus: str, load: None) -> None:
    """Or stands in a list with the reason why it has none."""
    known: set[str] = set()

    def missing() -> list[tuple[str, str]]:
        known.update(ask(prometheus, "label/__name__/values"))
        return [(where, expr) for where, expr in expressions() if not has_data(expr)]

    def has_data(expr: str) -> bool:
        if expr in EMPTY or any(name in expr and name not in " ".join(known) for name in NOT_YET):
            return True
        return bool(ask(prometheus, "query", query=expr)["result"])

    try:
        eventually("data for every expression", lambda: not missing(), SOON_SECONDS)
    finally:
        print("without data:", *missing(), sep="\n  ")


def test_every_metric_that_a_dashboard_or_a_rule_names_exists(prometheus: str, load: None) -> None:
    rules = [rule for group in yaml.safe_load(rule_file(load_bundled()))["groups"] for rule in group["rules"]]
    every = [expr for _, expr in expressions()] + [rule["expr"] for rule in rules]
    # Values of labels look like names of metrics.
    named = {name for expr in every for name in METRIC.findall(re.sub(r'"[^"]*"', "", expr))}
    assert len(named) > 40

    def unknown() -> set[str]:
        known = set(ask(prometheus, "label/__name__/values")) | {"ALERTS"}
        return {name for name in named - known if not any(name.startswith(late) for late in NOT_YET)}

    eventually("every metric exists", lambda: not unknown(), SOON_SECONDS)


def test_an_expression_over_a_metric_that_is_not_there_is_noticed(prometheus: str) -> None:
    """The check above can fail."""
    assert ask(prometheus, "query", query="adctr_misspelt_seconds")["result"] == []
