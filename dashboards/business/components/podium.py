"""The best or the worst campaigns, each with the interval that it was ranked by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from dashboards.business.components.axes import SCHEMA, percent_axis
from dashboards.business.view.formats import Formats
from dashboards.business.view.ranking import Row

PLACES = 8
_ROW_PIXELS, _AXIS_PIXELS = 24, 46


def render(rows: Sequence[Row], key: str, formats: Formats) -> None:
    rated = [(row, row.rate) for row in rows if row.rate is not None][:PLACES]
    data = {
        "place": list(range(1, len(rated) + 1)),
        "campaign": [row.name for row, _ in rated],
        "category": [", ".join(row.categories) for row, _ in rated],
        "ctr": [rate.value for _, rate in rated],
        "low": [rate.low for _, rate in rated],
        "high": [rate.high for _, rate in rated],
        "ctr_text": [formats.percent(rate.value) for _, rate in rated],
        "likely": [f"{formats.percent(rate.low)} to {formats.percent(rate.high)}" for _, rate in rated],
        "counts": [
            f"{formats.number(row.counts.clicks)} of {formats.number(row.counts.impressions)}" for row, _ in rated
        ],
    }
    st.vega_lite_chart(data, _spec(formats), height=PLACES * _ROW_PIXELS + _AXIS_PIXELS, key=key)


def _spec(formats: Formats) -> dict[str, Any]:
    titles = {"campaign": "Campaign", "category": "Category", "ctr_text": "CTR", "likely": "Likely",
              "counts": "Clicks of impressions"}  # fmt: skip
    tooltip = [{"field": field, "type": "nominal", "title": title} for field, title in titles.items()]
    y = {"field": "campaign", "type": "nominal", "sort": {"field": "place"}, "axis": {"title": None, "labelLimit": 140}}
    x = {"type": "quantitative", "axis": percent_axis(formats), "scale": {"zero": True}}
    return {
        "$schema": SCHEMA,
        "encoding": {"y": y, "tooltip": tooltip},
        "layer": [
            {
                "mark": {"type": "rule", "strokeWidth": 5, "color": "#8A97A5", "opacity": 0.55, "strokeCap": "round"},
                "encoding": {"x": {**x, "field": "low"}, "x2": {"field": "high"}},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 75, "opacity": 1},
                "encoding": {"x": {**x, "field": "ctr"}},
            },
        ],
    }
