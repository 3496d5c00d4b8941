"""Every form of the report says the same of one run."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from slo.recording import Recording, Series
from slo.report import UnknownForm, to_html, to_json, to_junit, to_markdown, to_text, write_report
from slo.spec.model import Indicator, Kind, Specification
from slo.verdict import RunVerdict, judge
from slo.verdict.result import Verdict
from tests.unit.slo.report.example import example
from tests.unit.slo.verdict.building import objective, recording, specification

EXPECTED = {
    "event_to_redis": "inconclusive",
    "dashboard_age": "pass",
    "redis_memory": "fail",
    "checkpoint_growth": "fail",
    "counts_exact": "pass",
    "cache_read": "not judged",
}


@pytest.fixture(scope="module")
def run() -> tuple[Specification, Recording, RunVerdict]:
    specified, recorded = example()
    return specified, recorded, judge(specified, recorded)


def test_the_text_fits_into_80_columns(run: tuple[Specification, Recording, RunVerdict]) -> None:
    """Each objective has a line with its verdict, each breach its reason and what to do."""
    text = to_text(*run, width=80)
    assert max(map(len, text.splitlines())) <= 80
    for name, verdict in EXPECTED.items():
        assert re.search(rf"^{name}\s+{verdict}\b", text, re.MULTILINE)
    assert "redis_memory: 4 of 600 polls found more\n  → look at it (docs/runbook.md)" in text
    assert text.endswith("verdict: fail   (600 s watched)\n")


def test_names_stay_whole_where_no_terminal_sets_the_width(run: tuple[Specification, Recording, RunVerdict]) -> None:
    """A script finds an objective in the piped table, however long its name is."""
    specified, recorded, _ = run
    name = "event_to_redis_of_campaigns_with_many_categories"
    longer = replace(specified, objectives=[replace(specified.objectives[0], name=name), *specified.objectives[1:]])
    text = to_text(longer, recorded, judge(longer, recorded))
    assert re.search(rf"^{name} +\w", text, re.MULTILINE)


def test_a_check_that_is_too_short_says_how_long_it_has_to_be(
    run: tuple[Specification, Recording, RunVerdict],
) -> None:
    specified, recorded, verdict = run
    found = re.search(
        r"^too short to judge everything: `adctr slo check --for (\d+)m` can$", to_text(*run), re.MULTILINE
    )
    assert found
    unjudged = [each for each in verdict.objectives if each.verdict in (Verdict.NOT_JUDGED, Verdict.INCONCLUSIVE)]
    needs = [
        max(specified.objective(each.name).minimum.duration_seconds, each.needed_seconds or 0) for each in unjudged
    ]
    assert int(found[1]) * 60 >= max(needs) > recorded.seconds
    passed = replace(verdict, objectives=[replace(each, verdict=Verdict.PASS) for each in verdict.objectives])
    assert "too short" not in to_text(specified, recorded, passed)


def test_the_json_keeps_its_promise(run: tuple[Specification, Recording, RunVerdict]) -> None:
    """The documented keys, nothing that JSON has no number for."""
    specified, recorded, verdict = run
    odd = replace(recorded, notes={"rate": float("nan")})
    report = json.loads(json.dumps(to_json(specified, odd, verdict), allow_nan=False))
    assert report["verdict"] == "fail"
    assert report["notes"] == {"rate": None}
    assert {each["name"]: each["verdict"] for each in report["objectives"]} == EXPECTED
    assert list(report["objectives"][0]) == [
        "name", "verdict", "value", "objective", "unit", "samples", "interval", "budget_spent", "reason", "void",
        "in_run", "needed_seconds",
    ]  # fmt: skip


def test_junit_has_a_test_case_per_objective(run: tuple[Specification, Recording, RunVerdict]) -> None:
    """A breach is a failure, inconclusive an error, not judged skipped."""
    (suite,) = ET.fromstring(to_junit(*run))  # noqa: S314 - our own
    assert {key: suite.get(key) for key in ("tests", "failures", "errors", "skipped")} == {
        "tests": "6", "failures": "2", "errors": "1", "skipped": "1",
    }  # fmt: skip
    found = {case.get("name"): [child.tag for child in case if child.tag != "system-out"] for case in suite}
    tags: dict[str, list[str]] = {"inconclusive": ["error"], "pass": [], "fail": ["failure"], "not judged": ["skipped"]}
    assert found == {name: tags[verdict] for name, verdict in EXPECTED.items()}


def test_junit_survives_characters_that_xml_has_not() -> None:
    """A reason with a NUL and an escape from some error message."""
    void = replace(recording().series[Indicator.EVENT_TO_REDIS], void="\x00\x1b[31m <boom>")
    recorded = recording({Indicator.EVENT_TO_REDIS: void})
    specified = specification(objective(Kind.LATENCY))
    (suite,) = ET.fromstring(to_junit(specified, recorded, judge(specified, recorded)))  # noqa: S314 - our own
    error = suite.find(".//error")
    assert error is not None
    assert "<boom>" in str(error.get("message"))


def test_markdown_is_a_table_that_nothing_breaks_out_of(run: tuple[Specification, Recording, RunVerdict]) -> None:
    """Pipes and tags in names are escaped; every row has seven cells."""
    specified, recorded, _ = run
    odd = replace(specified.objectives[0], display_name="a | b <i>c</i>")
    specified = replace(specified, objectives=[odd, *specified.objectives[1:]])
    lines = to_markdown(specified, recorded, judge(specified, recorded)).splitlines()
    rows = [re.sub(r"\\\|", "", line) for line in lines if line.startswith("|")]
    assert {row.count("|") for row in rows} == {8}
    assert "a \\| b &lt;i&gt;c&lt;/i&gt;" in lines[6]


class _Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def of(self, tag: str, class_: str | None = None) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.found if name == tag and class_ in (None, attrs.get("class"))]


def elements(html: str) -> _Elements:
    parser = _Elements()
    parser.feed(html)
    return parser


def test_the_html_needs_no_network_and_runs_nothing(run: tuple[Specification, Recording, RunVerdict]) -> None:
    """No address, no script, though the notes tried; for light and dark screens."""
    html = to_html(*run)
    found = elements(html)
    assert not found.of("script")
    assert not [attrs for _, attrs in found.found if "src" in attrs or not (attrs.get("href") or "#").startswith("#")]
    assert "//" not in html.replace("</", "")
    assert "@import" not in html
    assert "url(" not in html
    assert "&lt;script&gt;alert(1)" in html
    assert "Dashboard &lt;fresh&gt; &amp; quick" in html
    assert "prefers-color-scheme: dark" in html


def test_every_plot_can_be_read_aloud(run: tuple[Specification, Recording, RunVerdict]) -> None:
    """Two plots per share, one per gauge, each with a title and a description of its own."""
    found = elements(to_html(*run))
    plots = [attrs for attrs in found.of("svg") if attrs.get("role") == "img"]
    named = {attrs["id"] for _, attrs in found.found if "id" in attrs}
    assert len(plots) == 6
    for plot in plots:
        assert set(str(plot["aria-labelledby"]).split()) <= named


def test_breaches_are_marked(run: tuple[Specification, Recording, RunVerdict]) -> None:
    """The stall of 6 s lies in two of 120 stretches of 5 s; four looks were above the ceiling; the slope is drawn."""
    html = to_html(*run)
    found = elements(html)
    bands = [attrs for attrs in found.of("rect", "breach") if "x" in attrs]
    assert len(bands) == 2
    assert [round(float(str(band["x"]))) for band in bands] == [268, 273]  # 200 s of 600 along 600 px from 68 on
    assert len([attrs for attrs in found.of("circle", "dot") if attrs.get("cx") != "11"]) == 4
    assert len(found.of("polygon", "wedge")) == 1
    assert "slope 30" in html
    assert "2025-11-24 16:00:00 UTC to 2025-11-24 16:10:00 UTC" in html


def test_a_run_without_samples_has_a_report_too() -> None:
    """Nothing recorded, or nothing but samples that never came: the verdict says so and nothing is drawn."""
    specified = specification(*(objective(kind) for kind in Kind))
    never = {each: Series(np.array([1000.0]), np.array([np.nan])) for each in Indicator}
    for recorded in (recording(series={}, exactness=None, ceilings={}), recording(series=never)):
        verdict = judge(specified, recorded)
        assert "<figure>" not in to_html(specified, recorded, verdict)
        assert "inconclusive" in to_text(specified, recorded, verdict)
        assert "inconclusive" in to_markdown(specified, recorded, verdict)


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("a.html", "<!doctype html>"),
        ("a.json", '{\n  "verdict": "fail"'),
        ("a.MD", "### "),
        ("a.txt", "objective"),
        ("a.xml", "<?xml"),
    ],
)
def test_the_suffix_decides_the_form(
    run: tuple[Specification, Recording, RunVerdict], tmp_path: Path, name: str, begins: str
) -> None:
    write_report(tmp_path / name, *run)
    assert (tmp_path / name).read_text(encoding="utf-8").startswith(begins)


@pytest.mark.parametrize("name", ["report", "report.pdf"])
def test_another_suffix_is_refused_before_anything_is_written(
    run: tuple[Specification, Recording, RunVerdict], tmp_path: Path, name: str
) -> None:
    with pytest.raises(UnknownForm, match=rf"{name}: must end in one of \.html, \.json, \.md, \.txt, \.xml"):
        write_report(tmp_path / name, *run)
    assert not (tmp_path / name).exists()
