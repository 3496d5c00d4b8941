"""The page of benchmarks, from the benchmarks' own JSON."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from slo.bench.capacity import CapacityResult
from slo.bench.capacity_search import Capacity, Outcome
from slo.bench.cost import CostResult
from slo.report.benchmark_page import benchmarks_html, benchmarks_markdown
from slo.report.benchmarks import UnknownBenchmark, sections
from slo.report.curves import curve_plot
from tests.unit.slo.bench.test_capacity import MACHINE, _trial
from tests.unit.slo.bench.test_cost import POINT
from tests.unit.slo.bench.test_peers import _load, _result, _run


def _as_read(document: dict[str, Any]) -> dict[str, Any]:
    """Through JSON, as the command gets it."""
    found: dict[str, Any] = json.loads(json.dumps(document))
    return found


@pytest.fixture
def documents() -> list[dict[str, Any]]:
    trials = [
        _trial(30_000, Outcome.HELD, 0.2),
        _trial(60_000, Outcome.HELD, 0.4),
        replace(_trial(90_000, Outcome.BROKEN, None), reason="lag grows | <b>"),
    ]
    points = [replace(POINT, rate=rate) for rate in (5_000.0, 10_000.0)]
    many = [replace(POINT, campaigns=count, live_cells=2 * count) for count in (200, 100_000)]
    results = (
        CapacityResult(Capacity(60_000, Outcome.BROKEN), trials, 5_000, 0, MACHINE),
        CostResult(points, MACHINE),
        CostResult(many, MACHINE),
        _result(
            *(_run("adctr", 500), _run("loop", 100), _run("adctr", 600), _run("loop", 120)),
            loads=[_load("adctr", 0.3), _load("loop", None, "lag grew | <b>", None), _load("adctr", 0.5)],
        ),
    )
    return [_as_read(result.as_json()) for result in results]


def test_the_page_names_machine_spread_and_what_is_left_out(documents: list[dict[str, Any]]) -> None:
    page = benchmarks_markdown(documents)
    assert page.count("Measured on: 2 cores (a processor), 24 GiB, Linux 6, Python 3.11.9, 2026-11-25.") == 3
    assert page.count("Left out: ") == 3
    assert "Capacity: **60,000 events/s**" in page
    assert "| adctr | 1,000,000 | 550 (500 – 600) |" in page
    assert "| × 5.00 |" in page


def test_a_contender_that_fell_behind_is_shown_as_such(documents: list[dict[str, Any]]) -> None:
    """Its p99 lies among events that were never seen."""
    page = benchmarks_markdown(documents)
    assert "event → Redis at 5,000/s p99" in page
    assert "| 100 ms (100 ms – 100 ms) | 400 ms (300 ms – 500 ms) |" in page
    assert "| 100 ms (fell behind in 1 of 1) | – | – |" in page
    assert "| no: lag grew ∣ <b> | – |" in page


def test_a_document_from_before_there_were_loads_is_still_a_page(documents: list[dict[str, Any]]) -> None:
    old = {key: value for key, value in documents[-1].items() if key not in ("latency", "events_by_contender")}
    page = benchmarks_markdown([old])
    assert "| adctr | 1,000,000 | 550 (500 – 600) |" in page
    assert "All loads" not in page


def test_a_table_has_as_many_cells_in_each_row(documents: list[dict[str, Any]]) -> None:
    """Even where a reason holds what separates cells."""
    for block in re.findall(r"(?:^\|.*\n)+", benchmarks_markdown(documents), re.MULTILINE):
        assert len({line.count("|") for line in block.splitlines()}) == 1


def test_pieces_of_one_benchmark_are_shown_together(documents: list[dict[str, Any]]) -> None:
    """A curve is made of the points that differ in one thing, whichever file they are from; one that was taken twice is
    shown twice.
    """
    cost = sections(documents)[1]
    assert [table.title for table in cost.tables] == ["By rate (events/s)", "By number of campaigns"]
    assert [row[0] for row in cost.tables[0].rows] == ["rate", "5,000", "10,000", "10,000"]
    assert [row[0] for row in cost.tables[1].rows] == ["campaigns", "200", "200", "100,000"]


class _Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.ids += [value for name, value in attrs if name == "id" and value]
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self.seen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_browsers_page_is_whole_has_the_plots_and_runs_nothing(documents: list[dict[str, Any]]) -> None:
    page = benchmarks_html(documents)
    elements = _Elements()
    elements.feed(page)
    assert elements.open == []
    assert elements.seen.count("figure") == 7
    assert len(elements.ids) == len(set(elements.ids))
    assert "script" not in elements.seen
    assert "<b>" not in page
    assert "http" not in re.sub(r'xmlns="[^"]*"', "", page)


def test_another_file_is_refused_by_what_it_is() -> None:
    with pytest.raises(UnknownBenchmark, match="benchmark None: known are capacity, cost, cache-reads, peers"):
        benchmarks_markdown([{"verdict": "pass"}])


def test_a_line_is_broken_where_there_is_no_value() -> None:
    """Each point has a dash of its own, so that one that stands alone is seen."""
    plot = curve_plot("t", "x", "seconds", {"p99": [(1, 0.1), (2, 0.2), (3, None), (4, 0.3)]}, limit=1.0)
    assert [len(piece) for piece in plot.lines[0].pieces] == [2, 2, 2, 2]
    assert plot.lines[1].label == "objective 1 s"


def test_no_tick_stands_between_two_numbers_of_subtasks() -> None:
    """It would have the label of one of them."""
    plot = curve_plot("t", "parallelism", "count", {"kafka": [(1, 18.0), (2, 19.0)]})
    assert [label for _, label in plot.x_ticks] == ["0", "1", "2"]


def test_a_curve_without_a_point_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be drawn"):
        curve_plot("t", "x", "count", {"a": [(1, None)]})
