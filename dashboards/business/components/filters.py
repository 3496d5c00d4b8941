"""Time range, comparison, category and campaign. The page's address holds them, so a link shows the same."""

from __future__ import annotations

from typing import Final

import streamlit as st

from dashboards.business.components import drill
from dashboards.business.selection import DEFAULT_RANGE, RANGES_SECONDS, Compare, Selection, options
from dashboards.business.snapshot import Snapshot, Unavailable
from dashboards.business.source import shared_snapshot

_BOUND: Final = "query-params"


def render() -> Selection:
    """Draws the title and the filters beside it, and the ways back from them; what is chosen."""
    st.html(
        '<div class="adctr-head"><h1 class="adctr-title">Ad performance</h1>'
        '<span class="adctr-sub">live click-through rates</span></div>'
    )
    st.page_link("pages/history.py", label="History", icon=":material/history:")
    ranges, compares, categories, campaigns = st.columns([2.1, 1.1, 1, 1], vertical_alignment="bottom")
    range_name = ranges.segmented_control(
        "Time range", list(RANGES_SECONDS), default=DEFAULT_RANGE, required=True, key="range", bind=_BOUND
    )
    compare = compares.selectbox(
        "Compare with",
        [each.value for each in Compare],
        index=None,
        placeholder="Nothing",
        key="compare",
        bind=_BOUND,
    )
    known = shared_snapshot(RANGES_SECONDS[range_name], None)
    category = categories.selectbox(
        "Category",
        options((each for _, each in _cells(known)), st.query_params.get(drill.Filter.CATEGORY)),
        index=None,
        placeholder="All categories",
        key=drill.Filter.CATEGORY,
        bind=_BOUND,
    )
    campaign = campaigns.selectbox(
        "Campaign",
        options((each for each, _ in _cells(known)), st.query_params.get(drill.Filter.CAMPAIGN)),
        index=None,
        placeholder="All campaigns",
        key=drill.Filter.CAMPAIGN,
        bind=_BOUND,
    )
    selection = Selection(range_name, category, campaign, Compare(compare) if compare else None)
    if selection.filtered:
        drill.ways_back(selection)
    return selection


def _cells(known: Snapshot | Unavailable) -> list[tuple[str, str]]:
    return [] if isinstance(known, Unavailable) else list(known.cells)
