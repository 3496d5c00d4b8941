"""Every campaign: searchable, sortable, selectable, and as a file."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboards.business.components import csv_file, drill
from dashboards.business.components.axes import PERCENT
from dashboards.business.view.ranking import Row

HEIGHT_PIXELS = 390
CSV_COLUMNS = ("campaign", "categories", "impressions", "clicks", "ctr", "ctr_low", "ctr_high")


def render(rows: Sequence[Row], file_name: str) -> None:
    rates = [each.rate for each in rows]
    percent = st.column_config.NumberColumn(width="small", **PERCENT)
    count = st.column_config.NumberColumn(format="localized", width="small")
    st.dataframe(
        {
            "Campaign": [each.name for each in rows],
            "Category": [", ".join(each.categories) for each in rows],
            "CTR": [rate.value if rate else None for rate in rates],
            "95% low": [rate.low if rate else None for rate in rates],
            "95% high": [rate.high if rate else None for rate in rates],
            "Clicks": [each.counts.clicks for each in rows],
            "Impressions": [each.counts.impressions for each in rows],
        },
        hide_index=True,
        height=HEIGHT_PIXELS,
        column_config={"CTR": percent, "95% low": percent, "95% high": percent, "Clicks": count, "Impressions": count},
        **drill.from_table(drill.Filter.CAMPAIGN, "campaigns", [each.name for each in rows]),
    )
    csv_file.download("Download table as CSV", CSV_COLUMNS, csv_rows(rows), file_name, "download-table")


def csv_rows(rows: Sequence[Row]) -> list[tuple[csv_file.Value, ...]]:
    """In the order of `CSV_COLUMNS`."""
    found: list[tuple[csv_file.Value, ...]] = []
    for row in rows:
        rate = (None, None, None) if row.rate is None else (row.rate.value, row.rate.low, row.rate.high)
        found.append((row.name, " ".join(row.categories), row.counts.impressions, row.counts.clicks, *rate))
    return found
