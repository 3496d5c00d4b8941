"""The page as people see it: Chromium against the real stack, from the first event to an outage of both stores.

The tests are one story and run in this order.
"""

from __future__ import annotations

import csv
import itertools
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from compose.commands.load_process import LoadProcess
from compose.stack.supervision import Supervisor
from pipeline.contract.cache_schema import Counts
from pipeline.contract.dashboard_page import READ_AT_ATTRIBUTE
from slo.spec.load import load_bundled
from slo.spec.model import Indicator
from tests.browser.tabs import NEXT_REFRESH_MS, Tabs, ages_seconds, next_refresh, record, refreshes
from tests.browser.topic_truth import counts_per_campaign
from tests.browser.watchers import Watchers
from tests.integration.conftest import RunningStack
from tests.integration.waiting import eventually

pytestmark = pytest.mark.browser

RATE = 5_000
REFRESHES = 12
INTERVAL_SECONDS, TOLERANCE_SECONDS = 10.0, 1.0
LOAD_SECONDS = 145.0
VIEWERS = 10
_TOTALS = re.compile(r"([\d,]+) impressions\s+([\d,]+) clicks")


@dataclass(frozen=True)
class Watched:
    """A page that is left open under load, and who watches it."""

    page: Page
    watchers: Watchers
    load: LoadProcess


@pytest.fixture(scope="module")
def watched(stack: RunningStack, tabs: Tabs) -> Iterator[Watched]:
    """A page that is left open while 5,000 events a second come, beside nine other viewers and the probe."""
    ledger = stack.data_dir / "ledgers" / "browser.ledger"
    with LoadProcess(stack.data_dir, ledger, RATE, LOAD_SECONDS) as load:
        page = tabs.open()
        expect(page.get_by_test_id("stMetric").first).to_be_visible(timeout=30_000)
        record(page)
        with Watchers(stack.settings, VIEWERS - 1) as watchers:
            yield Watched(page, watchers, load)


def range_totals(text: str) -> Counts:
    """Impressions and clicks of the range, from the page's text."""
    found = _TOTALS.search(text)
    assert found is not None, text
    impressions, clicks = (int(number.replace(",", "")) for number in found.groups())
    return Counts(impressions, clicks)


def supervisor(stack: RunningStack) -> Supervisor:
    found = Supervisor.find(stack.layout)
    assert found is not None
    return found


def choose(page: Page, label: str, option: str) -> None:
    """In one of the filters with a list."""
    box = page.get_by_role("combobox", name=label)
    box.click()
    box.fill(option)
    page.get_by_role("option", name=option, exact=True).click()


def test_a_stack_without_events_says_so(tabs: Tabs) -> None:
    page = tabs.open()
    expect(page.get_by_text("No data yet.")).to_be_visible()
    expect(page.get_by_test_id("stMetric")).to_have_count(0)
    assert "canary" not in page.inner_text("body")
    tabs.shoot(page, "no-data-yet")


def test_filters_survive_a_reload_and_a_link_shows_the_same(watched: Watched, tabs: Tabs) -> None:
    page = tabs.open()
    everything = range_totals(page.inner_text("body"))
    choose(page, "Category", "games")
    expect(page).to_have_url(re.compile(r"category=games"))
    page.get_by_test_id("stButtonGroup").get_by_text("15 min", exact=True).click()
    expect(page).to_have_url(re.compile(r"range=15"))
    expect(page.get_by_text("CTR, last 15 min")).to_be_visible()
    games = range_totals(page.inner_text("body"))
    assert 0 < games.impressions < everything.impressions
    tabs.shoot(page, "filtered")
    for other in (page, tabs.open(page.url.partition("?")[2])):
        if other is page:
            page.reload()
        expect(other.get_by_text("CTR, last 15 min")).to_be_visible(timeout=NEXT_REFRESH_MS)
        expect(other.get_by_role("combobox", name="Category")).to_have_value("games")


def test_a_campaign_is_found_and_shown_alone(watched: Watched, tabs: Tabs) -> None:
    page = tabs.open()
    choose(page, "Campaign", "cmp-0007")
    expect(page).to_have_url(re.compile(r"campaign=cmp-0007"))
    next_refresh(page)
    assert "canary" not in page.inner_text("body")
    box = page.get_by_role("combobox", name="Campaign")
    box.click()
    box.fill("canary")
    expect(page.get_by_text("No results")).to_be_visible()


def test_a_refresh_keeps_scroll_and_theme(watched: Watched, tabs: Tabs) -> None:
    page = tabs.open(color_scheme="dark")
    main = page.get_by_test_id("stMain")
    main.evaluate("element => element.scrollTo(0, 350)")
    next_refresh(page)
    assert main.evaluate("element => element.scrollTop") == 350
    main.evaluate("element => element.scrollTo(0, 0)")
    background = page.get_by_test_id("stApp").evaluate("element => getComputedStyle(element).backgroundColor")
    assert background == "rgb(18, 24, 31)"
    tabs.shoot(page, "dark")


def test_a_phone_shows_everything_in_one_column(watched: Watched, tabs: Tabs) -> None:
    page = tabs.open(width=390, height=844, locale="de-DE", timezone_id="Europe/Berlin", is_mobile=True, has_touch=True)
    expect(page.get_by_test_id("stMetric")).to_have_count(3)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    text = page.inner_text("body")
    assert "(Europe/Berlin)" in text
    assert re.search(r"CTR, last 30 min\s+\d+,\d\d\s%", text), "a German reads 2,41 %"
    tabs.shoot(page, "phone")


def test_ten_viewers_see_new_figures_every_ten_seconds(watched: Watched, tabs: Tabs) -> None:
    """12 refreshes, each 10 ± 1 s after the last, and every figure at most a second behind Redis when it appears."""
    page = watched.page
    page.wait_for_function(f"window.adctrLog.refreshes.length > {REFRESHES}", timeout=(REFRESHES + 2) * 11_000)
    tabs.shoot(page, "live")
    seen = refreshes(page)
    gaps = np.diff([each.seen_at for each in seen])
    assert len(gaps) >= REFRESHES
    assert np.abs(gaps - INTERVAL_SECONDS).max() <= TOLERANCE_SECONDS, gaps
    shown = [range_totals(each.text).impressions for each in seen]
    assert all(later > earlier for earlier, later in itertools.pairwise(shown)), shown
    for each, impressions in zip(seen, shown, strict=True):
        since = min((at for at, held in watched.watchers.in_redis if held > impressions), default=each.seen_at)
        assert each.seen_at - since <= TOLERANCE_SECONDS, "Redis had more than that for longer"
    for viewer in watched.watchers.viewers:
        came = [at for at, _ in viewer.refreshes]
        assert len(came) >= REFRESHES
        assert np.abs(np.diff(came) - INTERVAL_SECONDS).max() <= TOLERANCE_SECONDS


def test_the_probe_agrees_with_the_browser(watched: Watched) -> None:
    """The oldest that figures get before new ones come: what the objective is about."""
    probed = watched.watchers.recorder.recording().series[Indicator.DASHBOARD_AGE]
    limit = load_bundled().objective("dashboard_refresh").value
    assert limit is not None
    assert (probed.void, probed.failed_looks) == ("", 0)
    browser, probe = (float(np.quantile(ages, 0.99)) for ages in (ages_seconds(watched.page), probed.values))
    assert abs(browser - probe) <= 0.5, (browser, probe)
    assert browser < limit


def test_the_figures_are_those_that_verify_folds(watched: Watched, stack: RunningStack) -> None:
    """The load has ended: everything on the page and in its file is exact."""
    page = watched.page
    command = [sys.executable, "-m", "compose.cli", "--data-dir", str(stack.data_dir), "verify", "--format", "json"]
    eventually("the load ends", lambda: not watched.load.running, LOAD_SECONDS)
    assert watched.load.summary().failed == 0
    verified = json.loads(subprocess.run(command, capture_output=True, text=True, timeout=120).stdout)
    assert verified["exact"]
    truth = counts_per_campaign(stack.settings)
    next_refresh(page)
    total = sum(truth.values(), Counts(0, 0))
    assert range_totals(page.inner_text("body")) == total
    with page.expect_download() as download:
        page.get_by_text("Download as CSV").click()
    rows = list(csv.DictReader(Path(download.value.path()).read_text(encoding="utf-8").splitlines()))
    assert {row["campaign"]: Counts(int(row["impressions"]), int(row["clicks"])) for row in rows} == truth


def test_redis_gone_is_said_and_redis_back_is_noticed(stack: RunningStack, tabs: Tabs) -> None:
    page = tabs.open()
    before = range_totals(page.inner_text("body"))
    supervisor(stack).stop_processes(["redis"], 10)
    expect(page.get_by_text("Served from the database.")).to_be_visible(timeout=NEXT_REFRESH_MS)
    assert range_totals(page.inner_text("body")) == before
    tabs.shoot(page, "redis-down")
    supervisor(stack).start_process("redis")
    expect(page.get_by_text("Served from the database.")).to_be_hidden(timeout=2 * NEXT_REFRESH_MS)
    assert range_totals(page.inner_text("body")) == before


def test_both_stores_gone_keeps_the_figures_and_both_back_recovers(stack: RunningStack, tabs: Tabs) -> None:
    """The canary is ended first, so that afterwards nothing is counted any more: the page says that, too."""
    page = tabs.open()
    supervisor(stack).stop_processes(["canary"], 10)
    stopped = time.monotonic()
    before = range_totals(page.inner_text("body"))
    supervisor(stack).stop_processes(["redis", "postgres"], 10)
    expect(page.get_by_text("No new figures at the moment.")).to_be_visible(timeout=NEXT_REFRESH_MS)
    assert range_totals(page.inner_text("body")) == before
    tabs.shoot(page, "both-down")
    fresh = tabs.open()
    expect(fresh.get_by_text("No new figures at the moment.")).to_be_visible()
    expect(fresh.locator(f"[{READ_AT_ATTRIBUTE}]")).to_have_count(0)
    tabs.shoot(fresh, "both-down-from-the-start")
    for name in ("postgres", "redis"):
        supervisor(stack).start_process(name)
    for viewer in (page, fresh):
        expect(viewer.get_by_text("No new figures at the moment.")).to_be_hidden(timeout=2 * NEXT_REFRESH_MS)
        assert range_totals(viewer.inner_text("body")) == before
    left_ms = (stopped + 45 - time.monotonic()) * 1000
    expect(page.get_by_text("The figures stand still.")).to_be_visible(timeout=max(left_ms, NEXT_REFRESH_MS))
    tabs.shoot(page, "stale")
