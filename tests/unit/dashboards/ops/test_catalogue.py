"""The dashboards that are committed are those that the code builds, and they hold what Grafana relies on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from dashboards.ops.catalogue import COMMITTED, boards, texts
from dashboards.ops.panels import GREEN, GREY
from slo.spec.model import Indicator
from slo.spec.parse import load_bundled
from tests.golden import assert_golden

TEXTS = texts(load_bundled())


@pytest.mark.parametrize("name", TEXTS)
def test_the_committed_json_is_what_the_code_builds(name: str) -> None:
    assert_golden(COMMITTED / name, TEXTS[name])


def test_no_committed_dashboard_has_lost_its_code() -> None:
    assert {path.name for path in COMMITTED.glob("*.json")} == set(TEXTS)


def test_the_same_objectives_give_the_same_bytes() -> None:
    assert texts(load_bundled()) == TEXTS


def panels_of(text: str) -> list[dict[str, Any]]:
    return [panel for panel in json.loads(text)["panels"] if panel["type"] != "row"]


@pytest.mark.parametrize("name", TEXTS)
def test_addresses_are_fixed_and_panels_lie_side_by_side(name: str) -> None:
    """The uid is the file's name, panel ids are unique, and no panel lies on another."""
    document = json.loads(TEXTS[name])
    assert f"{document['uid']}.json" == name
    assert len(document["uid"]) <= 40, "Grafana's limit"
    ids = [panel["id"] for panel in document["panels"]]
    assert len(set(ids)) == len(ids)
    taken: set[tuple[int, int]] = set()
    for panel in document["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24, panel["title"]
        assert not cells & taken, panel["title"]
        taken |= cells


@pytest.mark.parametrize("name", TEXTS)
def test_every_query_goes_to_the_one_data_source(name: str) -> None:
    targets = [target for panel in panels_of(TEXTS[name]) for target in panel["targets"]]
    assert targets
    assert {target["datasource"]["uid"] for target in targets} == {"adctr-prometheus"}


@pytest.mark.parametrize("name", TEXTS)
def test_runs_and_drills_are_annotations_of_every_dashboard(name: str) -> None:
    annotations = {row["name"]: row for row in json.loads(TEXTS[name])["annotations"]["list"]}
    assert annotations["Load runs"]["expr"] == "adctr_load_runs_active > 0"
    assert annotations["Drills"]["expr"] == "adctr_drills_active > 0"
    assert annotations["Published"]["target"]["tags"] == ["adctr"]


@pytest.mark.parametrize("name", TEXTS)
def test_rules_of_dashboard_linter(name: str) -> None:
    """Title, description, unit and targets of every panel; `rate` over $__rate_interval; nobody edits it in place."""
    document = json.loads(TEXTS[name])
    assert document["editable"] is False
    for panel in panels_of(TEXTS[name]):
        assert panel["title"], panel["id"]
        assert panel["description"], panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["targets"], panel["title"]
        for target in panel["targets"]:
            if not target.get("instant"):
                expr = re.sub(r"\{[^}]*\}", "", target["expr"])
                assert not re.search(r"\brate\([^\[]*\[(?!\$__rate_interval\])", expr), panel["title"]


@pytest.mark.parametrize("name", TEXTS)
def test_no_range_query_looks_back_for_days(name: str) -> None:
    """It does so at every step: a figure, which shows the last value, asks for that alone."""
    for panel in panels_of(TEXTS[name]):
        for target in panel["targets"]:
            assert bool(target.get("instant")) == (panel["type"] == "stat"), panel["title"]
            assert target.get("range", False) != target.get("instant", False), panel["title"]
            if not target.get("instant"):
                assert not re.search(r"\[\d+d", target["expr"]), panel["title"]


@pytest.mark.parametrize("name", TEXTS)
def test_no_data_is_grey(name: str) -> None:
    """In every figure, whatever its steps; and green is for values alone."""
    for panel in panels_of(TEXTS[name]):
        if panel["type"] == "stat":
            defaults = panel["fieldConfig"]["defaults"]
            special = [each["options"] for each in defaults["mappings"] if each["type"] == "special"]
            assert special == [{"match": "null+nan", "result": {"color": GREY, "text": "no data"}}], panel["title"]
            assert defaults["thresholds"]["steps"][0]["color"] != GREEN, panel["title"]


@pytest.mark.parametrize("name", TEXTS)
def test_metrics_that_others_have_as_well_are_asked_of_our_jobs(name: str) -> None:
    """A Prometheus may scrape another Redis, PostgreSQL or Flink."""
    jobs = {"redis": "redis", "pg": "postgres", "adctr_postgres_table": "postgres", "flink": "flink"}
    for panel in panels_of(TEXTS[name]):
        for target in panel["targets"]:
            found = re.findall(r"(?<![\"\w])((redis|pg|adctr_postgres_table|flink)_\w+)(\{[^}]*\})?", target["expr"])
            for metric, prefix, matchers in found:
                assert f'job="{jobs[prefix]}"' in matchers, (panel["title"], metric)


def test_kept_needs_rules() -> None:
    """Without them no alert can fire."""
    status = [panel for panel in panels_of(TEXTS["adctr-slo.json"]) if panel["title"] == "Status"]
    assert len(status) == len(load_bundled().objectives)
    assert all('ALERTS{alertname="Watchdog"}' in panel["targets"][0]["expr"] for panel in status)


def limits_of(text: str, title: str) -> Iterator[float]:
    for panel in panels_of(text):
        if panel["title"] == title:
            yield from (step["value"] for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"][1:])


def test_every_objective_has_a_status_and_those_with_a_budget_show_it() -> None:
    panels = panels_of(TEXTS["adctr-slo.json"])
    for each in load_bundled().objectives:
        mine = [p["title"] for p in panels if any(f'"{each.name}"' in t["expr"] for t in p["targets"])]
        assert "Status" in mine, each.name
        assert ("Burn rate" in mine) == (each.target < 1.0), each.name


def test_limits_follow_the_objectives() -> None:
    """With 700 ms in the file the line is at 0.7, in the overview and in the pipeline's dashboard."""
    bundled = load_bundled()
    changed = replace(
        bundled,
        objectives=[
            replace(each, value=0.7) if each.indicator is Indicator.EVENT_TO_REDIS else each
            for each in bundled.objectives
        ],
    )
    assert list(limits_of(TEXTS["adctr-pipeline.json"], "Event until counted, 99 %")) == [1.0]
    built = {board.uid: board.to_json() for board in boards(changed)}
    assert list(limits_of(built["adctr-pipeline"], "Event until counted, 99 %")) == [0.7]
    assert 0.7 in limits_of(built["adctr-slo"], "From an event's intended send time until Redis counts it")
