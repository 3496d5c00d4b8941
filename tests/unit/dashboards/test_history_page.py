"""The page History in each of its states, run by Streamlit's AppTest with marts in memory."""

from __future__ import annotations

import psycopg2
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from dashboards.business import source
from dashboards.business.settings import Limits
from dashboards.business.snapshot import SnapshotReader
from dashboards.business.source import PageSource
from dashboards.business.view.movers import movers
from pipeline.contract.cache_schema import Counts
from pipeline.contract.dashboard_page import find_read_at_seconds
from pipeline.settings import Settings
from pipeline.store.marts import Grain, Marts
from tests.memory_metrics import MemoryMetrics
from tests.unit.dashboards.test_page import PAGE, no_error, words
from tests.vectors.hostile import HOSTILE

NOON = 1_767_268_800
DAY = 86_400
CAMPAIGNS = {
    "risen": (Counts(10_000, 500), Counts(10_000, 300)),
    "fallen": (Counts(10_000, 300), Counts(10_000, 500)),
    "chance": (Counts(100, 3), Counts(100, 4)),
    "new": (Counts(10_000, 900), Counts(0, 0)),
}


def marts(names: tuple[str, ...] = ("top", "side")) -> Marts:
    points = {(NOON - n * DAY, name): Counts(1000, 30 + n) for n in range(7) for name in names}
    dimensions = {"placement": points, "device": points, "category": points}
    hours = {(1 + n % 7, n % 24): Counts(100, n % 9) for n in range(168)}
    return Marts(NOON, NOON + 1800.0, dimensions, hours, CAMPAIGNS)


def opened(monkeypatch: pytest.MonkeyPatch, found: Marts | Exception | None, **query: str) -> tuple[AppTest, list[str]]:
    """The page, and what was asked for."""
    asked: list[str] = []

    def read(range_seconds: int, grain: Grain) -> Marts | None:
        asked.append(f"{range_seconds // DAY} days by {grain}")
        if isinstance(found, Exception):
            raise found
        return found

    reader = SnapshotReader(MemoryMetrics(lambda: NOON, {}), Settings(), lambda: NOON)
    monkeypatch.setattr(source, "page_source", lambda: PageSource(reader, Limits(), 10, marts=read))
    st.cache_resource.clear()
    page = AppTest.from_file(str(PAGE), default_timeout=30)
    for key, value in query.items():
        page.query_params[key] = value
    return page.switch_page("pages/history.py").run(), asked


def test_figures_and_how_fresh_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    page, asked = opened(monkeypatch, marts())
    no_error(page)
    assert asked == ["7 days by day"]
    assert "Hours until 1 Jan, 12:00 (UTC)" in words(page)
    assert "built 1 Jan, 12:30 by make warehouse" in words(page)
    assert find_read_at_seconds(words(page)) is not None
    assert [next(iter(frame.value.columns)) for frame in page.dataframe[:3]] == ["Placement", "Device", "Category"]
    assert list(page.dataframe[0].value["Impressions"]) == [7000, 7000]
    assert [list(frame.value["Campaign"]) for frame in page.dataframe[3:]] == [["risen"], ["fallen"]]
    assert (page.info.len, page.warning.len, page.error.len) == (0, 0, 0)


def test_a_link_restores_its_range(monkeypatch: pytest.MonkeyPatch) -> None:
    page, asked = opened(monkeypatch, marts(), range="4 weeks", by="week")
    no_error(page)
    assert asked == ["28 days by week"]


def test_without_marts_it_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    page, _ = opened(monkeypatch, None)
    no_error(page)
    assert "`make warehouse` builds it" in page.info[0].value


def test_without_postgres_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    page, _ = opened(monkeypatch, psycopg2.OperationalError("secret address"))
    no_error(page)
    assert "PostgreSQL does not answer" in page.warning[0].value
    assert "secret" not in words(page)


def test_names_of_others_are_shown_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    page, _ = opened(monkeypatch, marts(tuple(HOSTILE)))
    no_error(page)
    assert set(page.dataframe[0].value["Placement"]) == set(HOSTILE)
    assert not any(name in words(page) for name in HOSTILE if "<" in name)


def test_movers_are_sorted_by_what_is_certain_of_their_change() -> None:
    more = {**CAMPAIGNS, "lucky": (Counts(60, 7), Counts(60, 1))}
    assert [each.name for each in movers(more, 1)] == ["risen", "lucky"]
    assert [each.name for each in movers(more, -1)] == ["fallen"]
