"""The best or the worst campaigns, each with the interval that it was ranked by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from dashboards.business.components import drill
from dashboards.business.components.axes import extent, percent_axis, vega_spec
from dashboards.business.view.formats import Formats
from dashboards.business.view.ranking import Row

PLACES = 8
_FROM_ZERO = extent("zero", "high")
_ROW_PIXELS, _AXIS_PIXELS = 24, 46


def render(rows: Sequence[Row], key: str, formats: Formats) -> None:
    rated = [(row, row.rate) for row in rows if row.rate is not None][:PLACES]
    data = {
        "place": list(range(1, len(rated) + 1)),
        "campaign": [row.name for row, _ in rated],
        "category": [", ".join(row.categories) for row, _ in rated],
        "ctr": [rate.value for _, rate in rated],
        "zero": [0.0] * len(rated),
        "low": [rate.low for _, rate in rated],
        "high": [rate.high for _, rate in rated],
        "ctr_text": [formats.percent(rate.value) for _, rate in rated],
        "interval": [formats.percent_interval(rate) for _, rate in rated],
        "counts": [
            f"{formats.number(row.counts.clicks)} of {formats.number(row.counts.impressions)}" for row, _ in rated
        ],
    }
    st.vega_lite_chart(
        data,
        _spec(formats),
        height=PLACES * _ROW_PIXELS + _AXIS_PIXELS,
        **drill.from_chart(drill.Filter.CAMPAIGN, key, "campaign"),
    )


def _spec(formats: Formats) -> dict[str, Any]:
    titles = {"campaign": "Campaign", "category": "Category", "ctr_text": "CTR", "interval": "95% interval",
              "counts": "Clicks of impressions"}  # fmt: skip
    tooltip = [{"field": field, "type": "nominal", "title": title} for field, title in titles.items()]
    y = {"field": "campaign", "type": "nominal", "sort": {"field": "place"}, "axis": {"title": None, "labelLimit": 140}}
    x = {"type": "quantitative", "axis": percent_axis(formats),
         "scale": {"zero": True, "nice": True, "domain": _FROM_ZERO}}  # fmt: skip
    return {
        **vega_spec(),
        "encoding": {"y": y, "tooltip": tooltip},
        "config": {"mark": {"cursor": "pointer"}},
        "layer": [
            {
                "mark": {"type": "rule", "strokeWidth": 5, "color": "#8A97A5", "opacity": 0.55, "strokeCap": "round"},
                "encoding": {"x": {**x, "field": "low"}, "x2": {"field": "high"}},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 75, "opacity": 1},
                # The nearest: anywhere in its row will do.
                "params": [{"name": "campaign", "select": {"type": "point", "fields": ["campaign"], "nearest": True}}],
                "encoding": {"x": {**x, "field": "ctr"}},
            },
        ],
    }
