"""CTR, clicks and impressions per category, or per name of another kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from dashboards.business.components.axes import PERCENT
from dashboards.business.view.formats import Formats
from dashboards.business.view.ranking import Row

_ROW_PIXELS, _MOST_ROWS = 35, 8


def render(rows: Sequence[Row], formats: Formats, title: str = "Category", **options: Any) -> None:
    """``options`` are those of `st.dataframe`."""
    rates = [each.rate for each in rows]
    top = max((rate.value for rate in rates if rate), default=0.0) or 1.0
    st.dataframe(
        {
            title: [each.name for each in rows],
            "CTR": [rate.value if rate else None for rate in rates],
            "95% interval": [formats.percent_interval(rate) if rate else "" for rate in rates],
            "Clicks": [each.counts.clicks for each in rows],
            "Impressions": [each.counts.impressions for each in rows],
        },
        hide_index=True,
        height=_ROW_PIXELS * (min(len(rows), _MOST_ROWS) + 1) + 3,
        column_config={
            "CTR": st.column_config.ProgressColumn(min_value=0.0, max_value=top, width=88, **PERCENT),
            "95% interval": st.column_config.TextColumn(width=120),
            "Clicks": st.column_config.NumberColumn(format="localized", width=62),
            "Impressions": st.column_config.NumberColumn(format="localized", width=88),
        },
        **options,
    )
