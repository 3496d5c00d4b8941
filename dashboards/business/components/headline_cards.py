"""Four cards: impressions, clicks and CTR of the current minute, and the CTR of the range."""

from __future__ import annotations

import streamlit as st

from dashboards.business.components import card
from dashboards.business.components.card import Card, Change
from dashboards.business.view.comparison import Comparison
from dashboards.business.view.difference import Difference
from dashboards.business.view.formats import Formats
from dashboards.business.view.headline import Headline


def render(headline: Headline, compared: Comparison | None, range_name: str, formats: Formats) -> None:
    minute = formats.span(headline.start_seconds, headline.size_seconds)
    rate = "–" if headline.rate is None else formats.percent(headline.rate.value)
    versus = f"vs. {headline.compared_with}"
    cards = (
        Card(f"Impressions, {minute}", formats.number(headline.counts.impressions),
             relative(headline.impressions_pace, versus, formats), headline.impressions_before),
        Card(f"Clicks, {minute}", formats.number(headline.counts.clicks),
             relative(headline.clicks_pace, versus, formats), headline.clicks_before),
        Card(f"CTR, {minute}", rate, points(headline.ctr_change, versus, formats), headline.ctr_before),
        _range(headline, compared, range_name, formats),
    )  # fmt: skip
    for column, each in zip(st.columns(len(cards)), cards, strict=True):
        with column:
            card.render(each)


def relative(change: Difference | None, versus: str, formats: Formats) -> list[Change]:
    """A change of counts, in percent: ``+4.20% vs. the minute before``."""
    if change is None:
        return []
    return [Change(formats.percent(change.value, sign="+"), versus, change.sign)]


def points(change: Difference | None, versus: str, formats: Formats) -> list[Change]:
    """A difference of rates and its interval: ``+0.12 pp vs. …``, ``change: 95% interval −0.10 to +0.34 pp``."""
    if change is None:
        return []
    interval = f"change: 95% interval {formats.points_interval(change)}"
    return [Change(formats.points(change.value), versus, change.sign), Change("", interval)]


def _range(headline: Headline, compared: Comparison | None, range_name: str, formats: Formats) -> Card:
    rate, counts = headline.range_rate, headline.range_counts
    lines = [] if rate is None else [Change("", f"95% interval {formats.percent_interval(rate)}")]
    if compared is not None:
        lines += points(compared.ctr, f"vs. {compared.name}", formats)
    for name, count, change in (
        ("impressions", counts.impressions, compared and compared.impressions),
        ("clicks", counts.clicks, compared and compared.clicks),
    ):
        text = f"{formats.number(count)} {name}"
        lines += relative(change, f"· {text}", formats) if change else [Change("", text)]
    return Card(f"CTR, last {range_name}", "–" if rate is None else formats.percent(rate.value), lines)
