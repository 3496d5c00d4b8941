"""The page as people see it: Chromium against the real stack, from before the first event to a verified end of a load.

The tests are one story and run in this order; `test_outages` goes on.
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

from compose.experiment.load_process import LoadProcess
from pipeline.contract.cache_schema import Counts
from slo.spec.model import Indicator
from slo.spec.parse import load_bundled
from tests.browser.tabs import (
    NEXT_REFRESH_MS,
    Tabs,
    ages_seconds,
    drawn,
    next_refresh,
    range_totals,
    record,
    refreshes,
    shown_totals,
)
from tests.browser.topic_truth import counts_per_campaign
from tests.browser.watchers import Watchers
from tests.integration.conftest import RunningStack
from tests.integration.waiting import eventually

pytestmark = pytest.mark.browser

RATE = 5_000
REFRESHES = 12
INTERVAL_SECONDS, TOLERANCE_SECONDS = 10.0, 1.0
SETTLING_SECONDS = 3 * INTERVAL_SECONDS
"""Ten pages that open at the same moment, beside a pipeline that has just got its first event, draw late at first."""
LOAD_SECONDS = 190.0
VIEWERS = 10


@dataclass(frozen=True)
class Watched:
    """A page that is left open under load, and who watches it."""

    page: Page
    watchers: Watchers
    load: LoadProcess
    settled_at: float
    """Unix seconds from which on refreshes are held to their cadence."""


@pytest.fixture(scope="module")
def watched(stack: RunningStack, lasting_tabs: Tabs) -> Iterator[Watched]:
    """A page that is left open while 5,000 events a second come, beside nine other viewers and the probe."""
    ledger = stack.data_dir / "ledgers" / "browser.ledger"
    with LoadProcess(stack.data_dir, ledger, RATE, LOAD_SECONDS) as load:
        page = lasting_tabs.open()
        expect(page.locator(".adctr-card").first).to_be_visible(timeout=30_000)
        with Watchers(stack.settings, VIEWERS - 1) as watchers:
            page.wait_for_timeout(SETTLING_SECONDS * 1000)
            settled_at = time.time()
            record(page)
            yield Watched(page, watchers, load, settled_at)


def choose(page: Page, label: str, option: str) -> None:
    """In one of the filters with a list."""
    box = page.get_by_role("combobox", name=label)
    box.click()
    box.fill(option)
    page.get_by_role("option", name=option, exact=True).click()


def test_a_stack_without_events_says_so(tabs: Tabs) -> None:
    page = tabs.open()
    expect(page.get_by_text("No data yet.")).to_be_visible()
    expect(page.locator(".adctr-card")).to_have_count(0)
    assert "canary" not in page.inner_text("body")
    tabs.shoot(page, "no-data-yet")


def test_filters_survive_a_reload_and_a_link_shows_the_same(watched: Watched, tabs: Tabs) -> None:
    page = tabs.open()
    everything = shown_totals(page)
    choose(page, "Category", "games")
    expect(page).to_have_url(re.compile(r"category=games"))
    page.get_by_test_id("stButtonGroup").get_by_text("15 min", exact=True).click()
    expect(page).to_have_url(re.compile(r"range=15"))
    expect(page.get_by_text("CTR, last 15 min")).to_be_visible()
    games = shown_totals(page)
    assert 0 < games.impressions < everything.impressions
    tabs.shoot(page, "filtered")
    for other in (page, tabs.open(page.url.partition("?")[2])):
        if other is page:
            page.reload()
        expect(other.get_by_text("CTR, last 15 min")).to_be_visible(timeout=NEXT_REFRESH_MS)
        drawn(other)
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
    drawn(page)
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
    expect(page.locator(".adctr-card")).to_have_count(4)
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
        came = [at for at, _ in viewer.refreshes if at >= watched.settled_at]
        assert len(came) >= REFRESHES
        assert np.abs(np.diff(came) - INTERVAL_SECONDS).max() <= TOLERANCE_SECONDS


def test_the_probe_agrees_with_the_browser(watched: Watched) -> None:
    """The oldest that figures get before new ones come: what the objective is about."""
    probed = watched.watchers.recorder.recording().series[Indicator.DASHBOARD_AGE].since(watched.settled_at)
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
    assert shown_totals(page) == total
    with page.expect_download() as download:
        page.get_by_text("Download table as CSV").click()
    rows = list(csv.DictReader(Path(download.value.path()).read_text(encoding="utf-8").splitlines()))
    assert {row["campaign"]: Counts(int(row["impressions"]), int(row["clicks"])) for row in rows} == truth
