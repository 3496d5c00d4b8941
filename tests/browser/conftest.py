"""A real browser and a real stack with its dashboard, for all tests of a session.

Chromium is no Python package: without it on PATH these tests are skipped, unless ADCTR_REQUIRE_CHROMIUM=1. Screenshots
of each state are left in .artifacts/browser.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from compose.stack.layout import Layout
from compose.stack.lifecycle import bring_up, take_down
from compose.stack.ports import PortChoice
from compose.stack.processes.owner import owning
from tests.browser.tabs import Tabs
from tests.integration.conftest import RunningStack

ARTIFACTS = Path(__file__).parents[2] / ".artifacts" / "browser"
ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where it is, or its sister that Google builds."""
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        message = "neither chromium nor google-chrome is on PATH; Debian has it, .ci/run installs it"
        if os.environ.get("ADCTR_REQUIRE_CHROMIUM") == "1":
            pytest.fail(message)
        pytest.skip(message)
    return found


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def stack(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """An embedded stack with a dashboard; nothing but canaries has been sent to it."""
    data_dir = tmp_path_factory.mktemp("browser-stack")
    layout = Layout.of(data_dir)
    layout.create()
    with owning(layout):
        settings = bring_up(
            data_dir, PortChoice.AUTO, historic=False, say=lambda line: print(line, file=sys.stderr), environ={}
        )
        try:
            yield RunningStack(data_dir, settings)
        finally:
            take_down(layout)


@pytest.fixture
def tabs(browser: Browser, stack: RunningStack) -> Iterator[Tabs]:
    """Pages of one test, closed when it ends: a page that is left open goes on drawing."""
    with opened_tabs(browser, stack) as tabs:
        yield tabs


@pytest.fixture(scope="module")
def lasting_tabs(browser: Browser, stack: RunningStack) -> Iterator[Tabs]:
    """Pages that stay open for a module's tests."""
    with opened_tabs(browser, stack) as tabs:
        yield tabs


@contextmanager
def opened_tabs(browser: Browser, stack: RunningStack) -> Iterator[Tabs]:
    """An error or warning on the browser's console fails the test that opened the page."""
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    tabs = Tabs(browser, stack.settings.dashboard_url, ARTIFACTS)
    yield tabs
    tabs.close()
    assert tabs.console_errors == []
