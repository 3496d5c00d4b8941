"""Stores that go and come back while somebody has the page open. Goes on where `test_dashboard` ended."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import expect

from compose.stack.processes.supervision import Supervisor
from pipeline.contract.dashboard_page import READ_AT_ATTRIBUTE
from tests.browser.tabs import NEXT_REFRESH_MS, Tabs, shown_totals
from tests.integration.conftest import RunningStack

pytestmark = pytest.mark.browser


def supervisor(stack: RunningStack) -> Supervisor:
    found = Supervisor.find(stack.layout)
    assert found is not None
    return found


def test_redis_gone_is_said_and_redis_back_is_noticed(stack: RunningStack, tabs: Tabs) -> None:
    page = tabs.open()
    before = shown_totals(page)
    supervisor(stack).stop_processes(["redis"], 10)
    expect(page.get_by_text("Served from the database.")).to_be_visible(timeout=NEXT_REFRESH_MS)
    assert shown_totals(page) == before
    tabs.shoot(page, "redis-down")
    supervisor(stack).start_process("redis")
    expect(page.get_by_text("Served from the database.")).to_be_hidden(timeout=2 * NEXT_REFRESH_MS)
    assert shown_totals(page) == before
    outage = page.get_by_text(re.compile(r"The live cache \(Redis\) did not answer: \S+ [AP]M, for"))
    expect(outage.first).to_be_visible(timeout=2 * NEXT_REFRESH_MS)


def test_both_stores_gone_keeps_the_figures_and_both_back_recovers(stack: RunningStack, tabs: Tabs) -> None:
    """The canary is ended first, so that afterwards nothing is counted any more: the page says that, too."""
    page = tabs.open()
    supervisor(stack).stop_processes(["canary"], 10)
    stopped = time.monotonic()
    before = shown_totals(page)
    supervisor(stack).stop_processes(["redis", "postgres"], 10)
    expect(page.get_by_text("No new figures at the moment.")).to_be_visible(timeout=NEXT_REFRESH_MS)
    assert shown_totals(page) == before
    tabs.shoot(page, "both-down")
    fresh = tabs.open()
    expect(fresh.get_by_text("No new figures at the moment.")).to_be_visible()
    expect(fresh.locator(f"[{READ_AT_ATTRIBUTE}]")).to_have_count(0)
    tabs.shoot(fresh, "both-down-from-the-start")
    for name in ("postgres", "redis"):
        supervisor(stack).start_process(name)
    for viewer in (page, fresh):
        expect(viewer.get_by_text("No new figures at the moment.")).to_be_hidden(timeout=2 * NEXT_REFRESH_MS)
        assert shown_totals(viewer) == before
    left_ms = (stopped + 45 - time.monotonic()) * 1000
    expect(page.get_by_text("The figures stand still.")).to_be_visible(timeout=max(left_ms, NEXT_REFRESH_MS))
    tabs.shoot(page, "stale")
