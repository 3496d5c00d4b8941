"""Four cards: impressions, clicks and CTR of the current minute, and the CTR of the range."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboards.business.view.formats import Formats
from dashboards.business.view.headline import Headline

_PACE = "The minute is still counting: it is held against the part of the minute before that had come by this second."


def render(headline: Headline, range_name: str, formats: Formats) -> None:
    minute = formats.span(headline.start_seconds, headline.size_seconds)
    cards = st.columns(4)
    before = "vs. minute before"
    with cards[0]:
        _card(f"Impressions, {minute}", headline.counts.impressions, "localized",
              _change(headline.impressions_pace, formats), before, headline.impressions_before)  # fmt: skip
    with cards[1]:
        _card(f"Clicks, {minute}", headline.counts.clicks, "localized",
              _change(headline.clicks_pace, formats), before, headline.clicks_before)  # fmt: skip
    with cards[2]:
        points = None if headline.ctr_change is None else signed(formats.points(headline.ctr_change))
        rate = "–" if headline.rate is None else formats.percent(headline.rate.value)
        _card(f"CTR, {minute}", rate, None, points, before, headline.ctr_before)
    with cards[3]:
        _range_card(headline, range_name, formats)


def _range_card(headline: Headline, range_name: str, formats: Formats) -> None:
    rate, counts = headline.range_rate, headline.range_counts
    value = "–" if rate is None else formats.percent(rate.value)
    likely = "" if rate is None else f"likely {formats.percent(rate.low)} to {formats.percent(rate.high)}"
    with st.container(border=True, height="stretch"):
        st.html(
            f'<div class="adctr-card"><div class="label">CTR, last {range_name}</div>'
            f'<div class="value">{value}</div><div class="line">{likely}</div>'
            f'<div class="line">{formats.number(counts.impressions)} impressions</div>'
            f'<div class="line">{formats.number(counts.clicks)} clicks</div></div>'
        )


def _card(
    label: str,
    value: float | str,
    number_format: str | None,
    change: str | None,
    described: str,
    series: Sequence[float],
) -> None:
    st.metric(
        label,
        value,
        change,
        delta_description=described if change else None,
        help=_PACE if number_format else None,
        border=True,
        height="stretch",
        format=number_format,
        chart_data=list(series) if len(series) > 1 else None,
        chart_type="area",
    )


def _change(pace: float | None, formats: Formats) -> str | None:
    return None if pace is None else signed(formats.percent(pace, 1, "+"))


def signed(text: str) -> str:
    """Streamlit tells a fall by a hyphen in front, and knows no minus sign."""
    return text.replace("−", "-")
