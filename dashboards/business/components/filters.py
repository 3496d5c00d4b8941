"""Time range, category and campaign. The page's address holds them, so a link shows the same."""

from __future__ import annotations

from typing import Final

import streamlit as st

from dashboards.business.selection import DEFAULT_RANGE, RANGES_SECONDS, Selection, options
from dashboards.business.snapshot import Snapshot, Unavailable
from dashboards.business.source import shared_snapshot

_BOUND: Final = "query-params"


def render() -> Selection:
    """Draws the title and the filters beside it; what is chosen."""
    title, ranges, categories, campaigns = st.columns([1.15, 1.75, 1, 1], vertical_alignment="bottom")
    title.html('<div class="adctr-title">Ad performance</div><div class="adctr-sub">live click-through rates</div>')
    range_name = ranges.segmented_control(
        "Time range", list(RANGES_SECONDS), default=DEFAULT_RANGE, required=True, key="range", bind=_BOUND
    )
    known = shared_snapshot(RANGES_SECONDS[range_name], None)
    category = categories.selectbox(
        "Category",
        options((each for _, each in _cells(known)), st.query_params.get("category")),
        index=None,
        placeholder="All categories",
        key="category",
        bind=_BOUND,
    )
    campaign = campaigns.selectbox(
        "Campaign",
        options((each for each, _ in _cells(known)), st.query_params.get("campaign")),
        index=None,
        placeholder="All campaigns",
        key="campaign",
        bind=_BOUND,
    )
    return Selection(range_name, category, campaign)


def _cells(known: Snapshot | Unavailable) -> list[tuple[str, str]]:
    return [] if isinstance(known, Unavailable) else list(known.cells)
