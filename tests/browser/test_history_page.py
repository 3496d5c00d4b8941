"""The page History in a real browser, on marts that dbt has built. No Kafka, Flink or Redis runs beside it."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from compose.stack.ports import LOOPBACK, Ports
from compose.stack.services import dashboard
from tests.bare_postgres import BarePostgres
from tests.browser.conftest import opened_tabs
from tests.browser.tabs import FIRST_FIGURES_MS, Tabs, drawn
from tests.browser.test_exploring import DESKTOP, DEVICES
from tests.integration.conftest import RunningStack
from tests.integration.waiting import eventually
from tests.unit.pipeline.store.conftest import fresh_database
from tests.warehouse.builds import Builds
from tests.warehouse.conftest import dbt, roles_server
from tests.warehouse.realtime_rows import HOUR, RealtimeRows

__all__ = ["dbt", "roles_server"]
pytestmark = pytest.mark.browser

DAYS = 9
_SEARCHED = re.compile(r"/history/_stcore/(health|host-config): .*404")


@contextmanager
def served(builds: Builds) -> Iterator[RunningStack]:
    """The dashboard alone, with the address of the page History."""
    ports = Ports.free()
    variables = {**os.environ, **dashboard.environment(replace(builds.settings, redis_port=ports.redis))}
    process = subprocess.Popen(dashboard.command(ports.dashboard), env=variables)
    url = f"http://{LOOPBACK}:{ports.dashboard}"

    def answers() -> bool:
        with suppress(OSError):
            dashboard.check(url)
            return True
        return False

    try:
        eventually("the dashboard answers", answers, 60.0)
        yield RunningStack(builds.state, replace(builds.settings, dashboard_url=f"{url}/history"))
    finally:
        process.terminate()
        process.wait()


@pytest.fixture(scope="module")
def history(
    chromium: str, dbt: str, roles_server: BarePostgres, browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Builds, RunningStack]]:
    """A server of the page, and a database without marts at first."""
    state: Path = tmp_path_factory.mktemp("history")
    with fresh_database(roles_server) as settings:
        builds = Builds(dbt, settings, state)
        with served(builds) as server:
            yield builds, server


@pytest.fixture
def tabs(browser: Browser, history: tuple[Builds, RunningStack]) -> Iterator[Tabs]:
    with opened_tabs(browser, history[1]) as tabs:
        yield tabs
        # Below a page's own address Streamlit looks for its server before it looks at the root.
        tabs.console_errors[:] = [each for each in tabs.console_errors if not _SEARCHED.search(each)]


@pytest.fixture(scope="module")
def built(history: tuple[Builds, RunningStack]) -> datetime:
    """Until when the marts go."""
    builds, _ = history
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    begin = midnight - timedelta(days=DAYS)
    rows = RealtimeRows(builds.settings, begin)
    rows.fill(24 * DAYS, per_hour=100)
    rows.reach(midnight - 30 * timedelta(minutes=1))
    builds.build()
    return midnight - HOUR


def test_without_marts_the_page_names_the_command(tabs: Tabs) -> None:
    page = tabs.open(**DESKTOP)
    expect(page.get_by_text("make warehouse")).to_be_visible(timeout=FIRST_FIGURES_MS)
    tabs.shoot(page, "history-none")


@DEVICES
def test_days_weeks_hours_and_movers(tabs: Tabs, built: datetime, device: dict[str, Any]) -> None:
    page = figures(tabs, "range=4+weeks&by=week", device)
    expect(page.get_by_text(re.compile(f"Hours until {built.day} {built:%b}, "))).to_be_visible()
    for heading in ("By placement", "By device", "By category", "Hours and weekdays", "Top movers, up"):
        expect(page.get_by_role("heading", name=heading)).to_be_visible()
    expect(page.get_by_test_id("stVegaLiteChart")).to_have_count(4, timeout=FIRST_FIGURES_MS)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    tabs.shoot(page, f"history-{device['width']}-{device['color_scheme']}")


@DEVICES
def test_axe_finds_nothing_in_history(tabs: Tabs, built: datetime, device: dict[str, Any]) -> None:
    """But that Streamlit's frame has no landmarks, which a page in it cannot add."""
    page = figures(tabs, "", device)
    found = Axe().run(page, options={"rules": {"region": {"enabled": False}}}).response["violations"]
    assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found] == []


def test_a_choice_is_in_the_address_and_links_lead_to_and_fro(tabs: Tabs, built: datetime) -> None:
    page = figures(tabs, "", DESKTOP)
    page.get_by_role("button", name="12 weeks").or_(page.get_by_role("radio", name="12 weeks")).first.click()
    expect(page).to_have_url(re.compile(r"range=12(\+|%20)weeks"), timeout=FIRST_FIGURES_MS)
    page.get_by_role("link", name="Live").click()
    expect(page.get_by_text("live click-through rates")).to_be_visible(timeout=FIRST_FIGURES_MS)
    page.get_by_role("link", name="History").click()
    expect(page.get_by_role("heading", name="By placement")).to_be_visible(timeout=FIRST_FIGURES_MS)


def figures(tabs: Tabs, query: str, device: dict[str, Any]) -> Page:
    page = tabs.open(query, **device)
    expect(page.get_by_role("heading", name="By placement")).to_be_visible(timeout=FIRST_FIGURES_MS)
    drawn(page)
    return page
