"""The page in each of its states, run by Streamlit's AppTest against the read API in memory."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest
import streamlit as st
from streamlit.runtime.caching import cache_utils
from streamlit.testing.v1 import AppTest

import dashboards.business
from dashboards.business import source
from dashboards.business.settings import Limits
from dashboards.business.snapshot import SnapshotReader
from dashboards.business.source import PageSource
from pipeline.contract.cache_schema import Counts
from pipeline.contract.dashboard_page import find_read_at_seconds
from pipeline.settings import Settings
from pipeline.store.history import History, Mark, MarkKind
from tests.memory_metrics import MemoryMetrics
from tests.vectors.hostile import HOSTILE

PAGE = Path(dashboards.business.__file__).with_name("app.py")
NOON = 1_767_268_800
NOW = NOON + 30.0
CELLS = {
    ("shoes", "sports"): Counts(500, 10),
    ("boots", "sports"): Counts(80, 4),
    ("pizza", "food"): Counts(400, 20),
    ("_canary-0", "_canary"): Counts(60, 0),
}


_CARD = re.compile(r'<div class="label">([^<]*)</div><div class="value">([^<]*)</div>')


class Stores:
    """What the page reads, and the clock that it reads by."""

    def __init__(self) -> None:
        self.now = NOW
        self.metrics = MemoryMetrics(lambda: self.now, {NOON - n * 60: dict(CELLS) for n in range(25)})
        self.marks: tuple[Mark, ...] | None = ()
        self.settle()

    def history(self) -> History | None:
        """Since the first minute; None where the marks are."""
        return None if self.marks is None else History(self.now, min(self.metrics.minutes, default=None), self.marks)

    def settle(self) -> None:
        """Everything up to half a second ago is counted."""
        self.metrics.watermark_ms = int((self.now - 5.5) * 1000)

    def open(self) -> AppTest:
        """A viewer opens the page."""
        return AppTest.from_file(str(PAGE), default_timeout=30)


@pytest.fixture
def stores(monkeypatch: pytest.MonkeyPatch) -> Stores:
    stores = Stores()
    reader = SnapshotReader(stores.metrics, Settings(), lambda: stores.now)
    monkeypatch.setattr(source, "page_source", lambda: PageSource(reader, Limits(), 10, stores.history))
    st.cache_resource.clear()
    return stores


def words(page: AppTest) -> str:
    """All that a viewer can read outside charts and tables."""
    boxes = [box.value for kind in (page.info, page.warning, page.error, page.caption) for box in kind]
    return "\n".join([*boxes, *(each.proto.body for each in page.get("html"))])


def cards(page: AppTest) -> dict[str, str]:
    """The value of each card by its label."""
    return dict(_CARD.findall(words(page)))


def refreshed(page: AppTest) -> AppTest:
    """The same viewer at the next interval."""
    source.shared_snapshot.clear()
    return page.run()


def no_error(page: AppTest) -> None:
    assert not page.exception
    assert "Traceback" not in words(page)


def test_live_figures(stores: Stores) -> None:
    page = stores.open().run()
    no_error(page)
    assert cards(page) == {
        "Impressions, 12:00–12:01": "980",
        "Clicks, 12:00–12:01": "34",
        "CTR, 12:00–12:01": "3.47%",
        "CTR, last 30 min": "3.47%",
    }
    assert "On target: 2 of 2 objectives kept" in words(page)
    assert "Refreshed 12:00:30 (UTC), every 10 s" in words(page)
    assert [figure in words(page) for figure in ("24,500 impressions", "850 clicks")] == [True] * 2
    assert (page.info.len, page.warning.len, page.error.len) == (0, 0, 0)
    assert find_read_at_seconds(words(page)) == NOW
    best = page.dataframe[1].value
    assert list(best["Campaign"]) == ["pizza", "boots", "shoes"]
    assert list(best["Impressions"]) == [10_000, 2_000, 12_500]


def test_canaries_never_appear(stores: Stores) -> None:
    page = stores.open().run()
    everything = words(page) + "".join(frame.value.to_string() for frame in page.dataframe)
    assert "canary" not in everything
    assert "canary" not in str(page.selectbox(key="campaign").options + page.selectbox(key="category").options)


def test_a_link_restores_its_filters(stores: Stores) -> None:
    page = stores.open()
    page.query_params.update({"category": "sports", "range": "15 min"})
    page.run()
    no_error(page)
    assert page.selectbox(key="category").value == "sports"
    assert cards(page)["Impressions, 12:00–12:01"] == "580"
    assert "CTR, last 15 min" in words(page)
    assert list(page.dataframe[1].value["Campaign"]) == ["boots", "shoes"]


def test_choosing_a_campaign_shows_it_alone(stores: Stores) -> None:
    page = stores.open().run()
    page.selectbox(key="campaign").select("pizza").run()
    no_error(page)
    assert list(cards(page).values())[:2] == ["400", "20"]


def test_a_campaign_has_its_share_its_categories_and_a_way_back(stores: Stores) -> None:
    page = stores.open()
    page.query_params.update({"campaign": "boots"})
    page.run()
    no_error(page)
    assert cards(page)["Share of impressions"] == "8.16%"
    assert cards(page)["CTR against all others"] == "+1.67 pp"
    assert "of 24,500 in all campaigns" in words(page)
    assert list(page.dataframe[0].value["Category"]) == ["sports"]
    assert page.text[0].value == "boots"
    page.button(key="back-campaign").click().run()
    no_error(page)
    assert page.selectbox(key="campaign").value is None
    assert list(page.dataframe[1].value["Campaign"]) == ["pizza", "boots", "shoes"]


def test_a_category_has_its_share_and_a_way_back(stores: Stores) -> None:
    page = stores.open()
    page.query_params.update({"category": "food"})
    page.run()
    assert cards(page)["Share of clicks"] == "58.82%"
    page.button(key="back-category").click().run()
    no_error(page)
    assert "Share of clicks" not in cards(page)


def test_a_range_is_compared_with_the_one_before(stores: Stores) -> None:
    stores.metrics.minutes = {NOON - n * 60: dict(CELLS) for n in range(60)}
    page = stores.open()
    page.query_params.update({"compare": "previous period", "range": "15 min"})
    page.run()
    no_error(page)
    assert "vs. previous period" in words(page)
    assert "change: 95% interval" in words(page)
    assert (page.info.len, page.warning.len) == (0, 0)


def test_a_minute_is_compared_with_yesterdays(stores: Stores) -> None:
    stores.metrics.minutes |= {NOON - 86_400 - n * 60: dict(CELLS) for n in range(40)}
    page = stores.open()
    page.query_params.update({"compare": "same time yesterday"})
    page.run()
    no_error(page)
    assert "vs. the same minute yesterday" in words(page)
    assert "vs. same time yesterday" in words(page)


def test_without_enough_history_nothing_is_compared_and_that_is_said(stores: Stores) -> None:
    page = stores.open()
    page.query_params.update({"compare": "previous period"})
    page.run()
    no_error(page)
    assert "**Not enough history to compare.** Counting began at 1 Jan, 11:36;" in words(page)
    assert "vs. previous period" not in words(page)


def test_marks_are_a_list_and_unknown_ones_are_said(stores: Stores) -> None:
    stores.marks = tuple(Mark(MarkKind.OUTAGE, "redis", NOON - n * 60.0, NOON - n * 60 + 5.0) for n in range(6, 0, -1))
    page = stores.open().run()
    assert words(page).count("did not answer") == 4
    assert "did not answer: 11:59:00, for 5.0 s" in words(page)
    assert "and 2 earlier marks" in words(page)
    stores.marks = None
    assert "Marks are not available" in words(refreshed(page))


def test_no_data_yet(stores: Stores) -> None:
    stores.metrics.minutes.clear()
    stores.metrics.watermark_ms = None
    page = stores.open().run()
    no_error(page)
    assert "**No data yet.**" in words(page)
    assert cards(page) == {}
    stores.metrics.minutes[NOON] = dict(CELLS)
    stores.settle()
    assert next(iter(cards(refreshed(page)).values())) == "980"


def test_filters_that_match_nothing(stores: Stores) -> None:
    page = stores.open()
    page.query_params["campaign"] = "nobody"
    page.run()
    no_error(page)
    assert "**Nothing to show for these filters.**" in words(page)
    assert page.selectbox(key="campaign").value == "nobody"


@pytest.mark.parametrize("text", [*HOSTILE.values(), "x" * 100_000], ids=[*HOSTILE, "100 kB"])
def test_hostile_filters_and_names_are_text(stores: Stores, text: str) -> None:
    """In the page's address, where nothing or something is called so, and never as a part of its HTML. Of an
    address beyond 512 kB Streamlit reads nothing.
    """
    filters = {"campaign": text, "category": text, "range": text}
    for cells in (CELLS, {(text, text): Counts(500, 10)}):
        stores.metrics.minutes = {NOON - n * 60: dict(cells) for n in range(25)}
        page = stores.open()
        for name, value in filters.items():
            page.query_params[name] = value
        page.run()
        no_error(page)
        assert all(text not in each.proto.body for each in page.get("html"))
        assert list(cards(page).values())[:1] == ([] if cells is CELLS else ["500"])
        source.shared_snapshot.clear()


def test_stale(stores: Stores) -> None:
    page = stores.open().run()
    stores.now += 45
    refreshed(page)
    no_error(page)
    assert "**The figures stand still.** Nothing was counted since 12:00:29 (UTC)." in words(page)
    assert "Off target: 1 of 2 objectives kept" in words(page)


def test_redis_down_is_served_from_postgres_and_said_and_over_when_it_is_back(
    stores: Stores, caplog: pytest.LogCaptureFixture
) -> None:
    page = stores.open().run()
    stores.metrics.redis_down = True
    with caplog.at_level(logging.WARNING, "adctr.dashboard"):
        refreshed(page)
    no_error(page)
    assert "**Served from the database.**" in words(page)
    assert "refused" not in words(page)
    assert "Redis: connection refused" in caplog.text, "the reason is for the log"
    assert next(iter(cards(page).values())) == "980"
    stores.metrics.redis_down = False
    assert "database" not in words(refreshed(page))


def test_both_down_keeps_the_last_figures_and_says_of_when_they_are(stores: Stores) -> None:
    page = stores.open().run()
    stores.metrics.redis_down = stores.metrics.postgres_down = True
    stores.now += 20
    refreshed(page)
    no_error(page)
    assert "**No new figures at the moment.**" in words(page)
    assert "You still see the figures of 12:00:30 (UTC)." in words(page)
    assert next(iter(cards(page).values())) == "980"
    assert find_read_at_seconds(words(page)) == NOW, "they are as old as they are"


def test_both_down_from_the_start(stores: Stores) -> None:
    stores.metrics.redis_down = stores.metrics.postgres_down = True
    page = stores.open().run()
    no_error(page)
    assert "**No new figures at the moment.**" in words(page)
    assert cards(page) == {}


def test_only_redis_shows_the_newest_part_of_a_day(stores: Stores) -> None:
    stores.metrics.postgres_down = True
    page = stores.open()
    page.query_params["range"] = "24 h"
    page.run()
    no_error(page)
    assert "**The older part is not complete.**" in words(page)
    assert next(iter(cards(page).values())) == "980"


def test_an_error_of_the_page_is_in_the_log_and_a_sentence_on_the_page(
    stores: Stores, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("nobody expected this")

    monkeypatch.setattr("dashboards.business.components.figures.headline", broken)
    page = stores.open().run()
    no_error(page)
    assert "**The figures cannot be drawn at the moment.**" in words(page)
    assert "nobody expected this" not in words(page)
    assert "nobody expected this" in caplog.text


@pytest.mark.parametrize("viewers", [1, 10])
def test_one_read_serves_all_viewers(stores: Stores, viewers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within the half second that a read is shared; the clock of the cache stands still."""
    monkeypatch.setattr(cache_utils, "TTLCACHE_TIMER", lambda: 0.0)
    st.cache_resource.clear()
    for _ in range(viewers):
        stores.open().run()
    assert stores.metrics.reads == 2, "newest minutes and the range"
