"""Comparing, drilling down, marks, files, the keyboard and accessibility: on a stack with hours of counts behind it."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.earlier_counts import write_earlier_counts
from tests.browser.tabs import FIRST_FIGURES_MS, Tabs, drawn
from tests.integration.conftest import RunningStack

pytestmark = pytest.mark.browser

DESKTOP: dict[str, Any] = {"width": 1280, "height": 1350, "color_scheme": "light"}
PHONE: dict[str, Any] = {"width": 390, "height": 844, "color_scheme": "dark", "is_mobile": True, "has_touch": True}
DEVICES = pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop-light", "phone-dark"])
ROW_PIXELS, MARK_COLUMN_PIXELS = 35, 18
_CHANGE = re.compile(r"change: 95% interval [−+]\d+\.\d\d to [−+]\d+\.\d\d pp")
_STARTED = re.compile(r"Job (live|store) started: \S+")
_PERCENT = re.compile(r"[\d.,]*\d\s?%")


@pytest.fixture(scope="module", autouse=True)
def earlier_counts(stack: RunningStack) -> None:
    write_earlier_counts(stack.settings)


def figures(tabs: Tabs, query: str, device: dict[str, Any]) -> Page:
    page = tabs.open(query, **device)
    expect(page.locator(".adctr-card").first).to_be_visible(timeout=FIRST_FIGURES_MS)
    drawn(page)
    return page


def choose(page: Page, label: str, option: str) -> None:
    box = page.get_by_role("combobox", name=label)
    box.click()
    box.fill(option)
    page.get_by_role("option", name=option, exact=True).click()


@DEVICES
def test_comparing_is_a_choice_that_the_address_holds(tabs: Tabs, device: dict[str, Any]) -> None:
    page = figures(tabs, "range=3+h", device)
    for option in ("previous period", "same time yesterday"):
        choose(page, "Compare with", option)
        expect(page).to_have_url(re.compile("compare=" + option.replace(" ", r"(\+|%20)")))
        expect(page.get_by_text(f"vs. {option}")).to_be_visible(timeout=FIRST_FIGURES_MS)
        expect(page.get_by_text(f"grey: {option}")).to_be_visible()
        expect(
            page.get_by_text(re.compile(r"change: 95% interval [−+]\d+\.\d\d to [−+]\d+\.\d\d pp")).last
        ).to_be_visible()
    drawn(page)
    page.wait_for_timeout(500)  # the chart's first frame
    tabs.shoot(page, f"compared-{device['width']}")
    page.reload()
    expect(page.get_by_text("vs. same time yesterday")).to_be_visible(timeout=FIRST_FIGURES_MS)
    assert page.evaluate("document.documentElement.scrollWidth") <= device["width"]


def test_too_little_history_is_said(tabs: Tabs) -> None:
    page = figures(tabs, "range=24+h&compare=previous+period", DESKTOP)
    expect(page.get_by_text("Not enough history to compare.")).to_be_visible(timeout=FIRST_FIGURES_MS)
    expect(page.get_by_text("vs. previous period")).to_have_count(0)


@DEVICES
def test_a_row_and_a_bar_lead_to_a_campaign_and_back(tabs: Tabs, device: dict[str, Any]) -> None:
    page = figures(tabs, "range=3+h", device)
    for target, across, down in (
        (".st-key-top svg.marks", None, 20),
        (".st-key-campaigns canvas", MARK_COLUMN_PIXELS, ROW_PIXELS * 1.5),
    ):
        place = page.locator(target).first
        expect(place).to_be_visible(timeout=FIRST_FIGURES_MS)
        place.scroll_into_view_if_needed()
        box = place.bounding_box()
        assert box is not None
        page.mouse.click(box["x"] + (across or box["width"] * 0.6), box["y"] + down)
        expect(page).to_have_url(re.compile(r"campaign=(old|cmp)-\d{4}"), timeout=FIRST_FIGURES_MS)
        for text in ("This campaign", "Share of impressions", "CTR against all others", "Categories of this campaign"):
            expect(page.get_by_text(text, exact=True).first).to_be_visible(timeout=FIRST_FIGURES_MS)
        drawn(page)
        tabs.shoot(page, f"campaign-{device['width']}")
        page.get_by_role("button", name="All campaigns").click()
        expect(page.get_by_role("heading", name="Top campaigns")).to_be_visible(timeout=FIRST_FIGURES_MS)
        assert "campaign=" not in page.url
        drawn(page)


def test_a_category_filters_by_its_row(tabs: Tabs) -> None:
    page = figures(tabs, "range=3+h", DESKTOP)
    box = page.locator(".st-key-categories canvas").first.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + MARK_COLUMN_PIXELS, box["y"] + ROW_PIXELS * 1.5)
    expect(page).to_have_url(re.compile(r"category=[\w-]+"), timeout=FIRST_FIGURES_MS)
    expect(page.get_by_text("This category", exact=True)).to_be_visible(timeout=FIRST_FIGURES_MS)
    page.get_by_role("button", name="All categories").click()
    expect(page.get_by_text("This category", exact=True)).to_have_count(0, timeout=FIRST_FIGURES_MS)


@DEVICES
def test_the_stacks_own_start_is_marked(tabs: Tabs, device: dict[str, Any]) -> None:
    """By the job keeper, which notes what interrupts the counting; `test_outages` has an outage."""
    page = figures(tabs, "range=3+h", device)
    marks = page.get_by_role("list", name="Marks on the chart")
    expect(marks.get_by_text(re.compile(r"Job (live|store) started: \S+")).first).to_be_visible(
        timeout=FIRST_FIGURES_MS
    )


def test_the_series_is_a_file(tabs: Tabs) -> None:
    page = figures(tabs, "range=3+h&compare=previous+period", DESKTOP)
    expect(page.get_by_text("vs. previous period")).to_be_visible(timeout=FIRST_FIGURES_MS)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download series as CSV").click()
    rows = list(csv.DictReader(Path(download.value.path()).read_text(encoding="utf-8").splitlines()))
    assert len(rows) == 36
    assert sum(int(row["impressions"]) > 0 for row in rows) >= 24
    assert all(int(row["earlier_impressions"]) > 0 for row in rows)


def test_every_percentage_has_two_decimals(tabs: Tabs) -> None:
    page = figures(tabs, "range=3+h&compare=previous+period", DESKTOP)
    cells = page.locator("canvas td").all_text_contents()
    text = "\n".join([page.inner_text("[data-testid=stMain]"), *cells])
    found = set(_PERCENT.findall(text.replace("95% ", "")))
    assert len(found) > 10
    assert [each for each in found if not re.fullmatch(r"[\d,]+\.\d\d%", each)] == []


@DEVICES
@pytest.mark.parametrize("query", ["range=3+h&compare=previous+period", "range=3+h&campaign=old-0003"])
def test_axe_finds_nothing(tabs: Tabs, device: dict[str, Any], query: str) -> None:
    """But that Streamlit's frame has no landmarks, which a page in it cannot add."""
    page = figures(tabs, query, device)
    found = Axe().run(page, options={"rules": {"region": {"enabled": False}}}).response["violations"]
    assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found] == []


def test_the_keyboard_is_enough_to_reach_a_campaign_and_come_back(tabs: Tabs) -> None:
    page = figures(tabs, "range=3+h", DESKTOP)
    tab_to(page, page.get_by_role("combobox", name="Campaign"))
    page.keyboard.type("old-0003")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("campaign=old-0003"), timeout=FIRST_FIGURES_MS)
    back = page.get_by_role("button", name="All campaigns")
    expect(back).to_be_visible(timeout=FIRST_FIGURES_MS)
    tab_to(page, back)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Top campaigns")).to_be_visible(timeout=FIRST_FIGURES_MS)
    assert "campaign=" not in page.url


def tab_to(page: Page, place: Any) -> None:
    """Tab until it has the focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if place.evaluate("element => element === document.activeElement || element.contains(document.activeElement)"):
            return
    pytest.fail("Tab does not reach it")
