"""Every campaign: searchable, sortable, and as a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import streamlit as st

from dashboards.business.view.ranking import Row

HEIGHT_PIXELS = 390
CSV_COLUMNS = ("campaign", "categories", "impressions", "clicks", "ctr", "ctr_low", "ctr_high")


def render(rows: Sequence[Row], file_name: str) -> None:
    rates = [each.rate for each in rows]
    percent = st.column_config.NumberColumn(format="percent", width="small")
    count = st.column_config.NumberColumn(format="localized", width="small")
    st.dataframe(
        {
            "Campaign": [each.name for each in rows],
            "Category": [", ".join(each.categories) for each in rows],
            "CTR": [rate.value if rate else None for rate in rates],
            "Likely from": [rate.low if rate else None for rate in rates],
            "to": [rate.high if rate else None for rate in rates],
            "Clicks": [each.counts.clicks for each in rows],
            "Impressions": [each.counts.impressions for each in rows],
        },
        hide_index=True,
        height=HEIGHT_PIXELS,
        key="campaigns",
        column_config={"CTR": percent, "Likely from": percent, "to": percent, "Clicks": count, "Impressions": count},
    )
    # Made only when somebody asks for it, not with each refresh.
    st.download_button(
        "Download as CSV",
        lambda: to_csv(rows),
        file_name,
        "text/csv",
        key="download",
        on_click="ignore",
        icon=":material/download:",
    )


def to_csv(rows: Sequence[Row]) -> str:
    """For other programs: points as decimals, shares as fractions, an empty field where there is no rate."""
    file = io.StringIO()
    # Names in quotes: where lists are separated by semicolons, a spreadsheet would split a name at one.
    writer = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(CSV_COLUMNS)
    for row in rows:
        rate = ("", "", "") if row.rate is None else (row.rate.value, row.rate.low, row.rate.high)
        writer.writerow(
            (_plain(row.name), _plain(" ".join(row.categories)), row.counts.impressions, row.counts.clicks, *rate)
        )
    return file.getvalue()


def _plain(text: str) -> str:
    """A name that a spreadsheet would take for a formula is quoted as text (OWASP, CSV injection)."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r", "\n") else text
