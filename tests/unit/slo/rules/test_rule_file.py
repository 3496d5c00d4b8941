"""The rule file: one golden file of the bundled objectives, and what must hold for any."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from compose.monitoring.prometheus_config import SCRAPE_SECONDS
from compose.stack.services.monitoring import RETENTION
from pipeline.settings import Settings
from slo.probes.catalogue import probes_of
from slo.rules.expressions import bucket_label
from slo.rules.rule_file import rule_file
from slo.spec.metrics import PROBE_OF
from slo.spec.model import Specification
from slo.spec.parse import DOCS, load_bundled
from tests.golden import assert_golden


def rules_of(text: str) -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]


def alerts_of(text: str) -> list[dict[str, Any]]:
    return [rule for rule in rules_of(text) if "alert" in rule]


def test_the_bundled_objectives() -> None:
    assert_golden(Path(__file__).parent / "rules.yaml", rule_file(load_bundled()))


def test_every_objective_has_an_alert_for_its_breach_and_one_for_silence() -> None:
    by_objective: dict[str, list[str]] = {}
    for alert in alerts_of(rule_file(load_bundled())):
        by_objective.setdefault(alert["labels"].get("objective", ""), []).append(alert["alert"])
    for each in load_bundled().objectives:
        silent = [name for name in by_objective[each.name] if name.endswith("Silent")]
        assert len(silent) == 1, each.name
        assert len(by_objective[each.name]) > len(silent), each.name


def test_every_alert_says_what_why_and_where_to_read_on() -> None:
    """And the page is there."""
    for alert in alerts_of(rule_file(load_bundled())):
        assert set(alert["annotations"]) == {"summary", "description", "runbook_url"}, alert["alert"]
        assert (DOCS.parent / alert["annotations"]["runbook_url"]).is_file(), alert["alert"]


def test_every_alert_says_what_it_is_about() -> None:
    """By its objective or by its subject, never both: notifications are grouped by them, and inhibited."""
    for alert in alerts_of(rule_file(load_bundled())):
        assert ("objective" in alert["labels"]) != ("subject" in alert["labels"]), alert["alert"]


def test_a_file_that_lacks_a_rule_would_be_noticed() -> None:
    """The rule that counts them knows how many there are, itself included."""
    rules = rules_of(rule_file(load_bundled()))
    (missing,) = [rule for rule in rules if rule.get("alert") == "RulesMissing"]
    assert missing["expr"].endswith(f"< {len(rules)}")


def test_what_is_silent_names_its_probe() -> None:
    """By which Alertmanager leaves it out while the probe itself is known to fail."""
    known = {indicator: probe.name for probe in probes_of(Settings()) for indicator in probe.indicators}
    assert known == PROBE_OF
    silent = {
        alert["alert"]: alert["labels"] for alert in alerts_of(rule_file(load_bundled())) if "Silent" in alert["alert"]
    }
    assert silent["RedisMemorySilent"]["probe"] == "redis_server"
    assert [name for name, labels in silent.items() if "probe" not in labels] == ["CountsExactSilent"]


def test_rules_of_pint() -> None:
    """No rule twice, every alert compares something, a regular expression is one, windows hold four scrapes."""
    rules = rules_of(rule_file(load_bundled()))
    names = [(rule.get("alert") or rule["record"], *sorted(rule["labels"].items())) for rule in rules]
    assert len(set(names)) == len(names)
    for rule in rules:
        expr = rule["expr"]
        if "alert" in rule and rule["alert"] != "Watchdog":
            assert re.search(r"[<>=]=?|absent\(", re.sub(r"\{[^}]*\}", "", expr)), rule["alert"]
        for matcher in re.findall(r'=~"([^"]*)"', expr):
            assert re.search(r"[.*+?|\[\](){}^$]", matcher), expr
        for count, unit in re.findall(r"\[(\d+)([smhd])", expr):
            assert int(count) * {"s": 1, "m": 60, "h": 3600, "d": 86_400}[unit] >= 4 * SCRAPE_SECONDS, expr


def test_prometheus_keeps_what_error_budgets_look_back_for() -> None:
    (days,) = re.findall(r"retention\.time=(\d+)d", " ".join(RETENTION))
    assert int(days) * 86_400 > load_bundled().time_window.duration_seconds


def test_runbooks_are_read_where_the_docs_are() -> None:
    alert = alerts_of(rule_file(load_bundled(), "https://wiki.example/adctr/"))[0]
    assert alert["annotations"]["runbook_url"] == "https://wiki.example/adctr/runbooks/counts_exact.md"


def test_words_of_the_file_are_no_templates() -> None:
    """`{{ $value }}` in a text must not become a figure, or break the whole file."""
    bundled = load_bundled()
    objective = replace(bundled.objectives[0], display_name="Costs {{ $value }}")
    text = rule_file(Specification("adctr", bundled.time_window, [objective]))
    assert alerts_of(text)[0]["annotations"]["summary"] == 'Costs {{ "{{" }} $value }}'


@pytest.mark.parametrize(("edge", "label"), [(1.0, "1.0"), (0.1, "0.1"), (5.0, "5.0")])
def test_buckets_are_named_as_the_exporter_names_them(edge: float, label: str) -> None:
    """Prometheus compares `le` as text."""
    registry = CollectorRegistry()
    Histogram("latency_seconds", "A latency.", buckets=(edge,), registry=registry)
    assert bucket_label(edge) == label
    assert f'latency_seconds_bucket{{le="{label}"}} 0.0' in generate_latest(registry).decode()
