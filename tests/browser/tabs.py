"""Tabs of a browser, what they show, and what their consoles say."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from pipeline.contract.cache_schema import Counts
from pipeline.contract.dashboard_page import READ_AT_ATTRIBUTE

FIRST_FIGURES_MS = 20_000
NEXT_REFRESH_MS = 12_500
"""An interval of 10 s, a second more, and what a busy machine takes to draw."""

_TOTALS = re.compile(r"([\d,]+) impressions\s+([\d,]+) clicks")

_RECORD = """(attribute) => {
  const shown = () => Number(document.querySelector(`[${attribute}]`)?.getAttribute(attribute));
  // What is there already is no refresh: nobody saw when it came.
  const log = window.adctrLog = {refreshes: [], ages: [], last: shown()};
  const note = () => {
    const readAt = shown();
    if (!readAt || readAt === log.last) return;
    log.last = readAt;
    // The figures of one refresh come in a row of messages: look when they are all there.
    const seen = Date.now();
    setTimeout(() => log.refreshes.push({seen, readAt, text: document.body.innerText}), 500);
  };
  new MutationObserver(note).observe(document.body, {subtree: true, childList: true, attributes: true});
  setInterval(() => log.last && log.ages.push(Date.now() - log.last), 200);
}"""


@dataclass(frozen=True)
class SeenRefresh:
    """When figures appeared and when they were read (unix seconds), and the page's text then."""

    seen_at: float
    read_at: float
    text: str


class Tabs:
    """Every page is a viewer of its own, with a context of its own."""

    def __init__(self, browser: Browser, url: str, artifacts: Path) -> None:
        self._browser = browser
        self._url = url
        self._artifacts = artifacts
        self._contexts: list[BrowserContext] = []
        self.console_errors: list[str] = []

    def open(self, query: str = "", *, width: int = 1280, height: int = 800, **options: Any) -> Page:
        """A page that shows something: figures or a notice. ``options`` are Playwright's of a context."""
        context = self._browser.new_context(
            **{"viewport": {"width": width, "height": height}, "locale": "en-US", "timezone_id": "UTC", **options}
        )
        self._contexts.append(context)
        page = context.new_page()
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.console_errors.append(f"{page.url}: {error}"))
        page.goto(self._url + (f"/?{query}" if query else ""))
        figures_or_notice = page.locator(f"[{READ_AT_ATTRIBUTE}], [data-testid=stAlert]").first
        expect(figures_or_notice).to_be_visible(timeout=FIRST_FIGURES_MS)
        return page

    def _note(self, message: ConsoleMessage) -> None:
        """Errors and warnings, Vega's among them."""
        if message.type in ("error", "warning"):
            self.console_errors.append(f"{message.location.get('url')}: {message.text}")

    def shoot(self, page: Page, name: str) -> None:
        """A screenshot as an artifact, when everything on it is drawn."""
        drawn(page)
        page.screenshot(path=self._artifacts / f"{name}.png")

    def close(self) -> None:
        """Ends every page."""
        while self._contexts:
            self._contexts.pop().close()


def drawn(page: Page) -> None:
    """Waits until no part of the page is still being loaded."""
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0, timeout=FIRST_FIGURES_MS)


def record(page: Page) -> None:
    """From now on the page notes each of its refreshes and five times a second the age of what it shows."""
    page.evaluate(_RECORD, READ_AT_ATTRIBUTE)


def refreshes(page: Page) -> list[SeenRefresh]:
    """What `record` has noted."""
    rows: list[dict[str, Any]] = page.evaluate("window.adctrLog.refreshes")
    return [SeenRefresh(row["seen"] / 1000, row["readAt"] / 1000, row["text"]) for row in rows]


def ages_seconds(page: Page) -> list[float]:
    """What `record` has noted."""
    ages: list[float] = page.evaluate("window.adctrLog.ages")
    return [age / 1000 for age in ages]


def next_refresh(page: Page) -> None:
    """Waits until other figures are there."""
    shown = page.locator(f"[{READ_AT_ATTRIBUTE}]").first
    before = shown.get_attribute(READ_AT_ATTRIBUTE)
    expect(shown).not_to_have_attribute(READ_AT_ATTRIBUTE, str(before), timeout=NEXT_REFRESH_MS)


def shown_totals(page: Page) -> Counts:
    """Impressions and clicks of the range, when they are there."""
    expect(page.locator(".adctr-card").first).to_be_visible(timeout=FIRST_FIGURES_MS)
    return range_totals(page.inner_text("body"))


def range_totals(text: str) -> Counts:
    """The same from a page's text."""
    found = _TOTALS.search(text)
    assert found is not None, text
    impressions, clicks = (int(number.replace(",", "")) for number in found.groups())
    return Counts(impressions, clicks)
