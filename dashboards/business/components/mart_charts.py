"""The charts of the page History: a line per name, and hours by weekdays. Times are UTC, as the marts' days are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import streamlit as st

from dashboards.business.components.axes import extent, percent_axis, vega_spec
from dashboards.business.view.formats import Formats
from dashboards.business.view.rate import Rate, rate_of
from pipeline.contract.cache_schema import Counts

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_LINES_PIXELS, _MAP_PIXELS = 230, 260


def lines(points: Mapping[tuple[int, str], Counts], title: str, key: str, formats: Formats) -> None:
    """By start (Unix seconds) and name."""
    rated = [(start, name, rate) for (start, name), counts in points.items() if (rate := rate_of(counts))]
    data = {
        "at": [datetime.fromtimestamp(start, UTC) for start, _, _ in rated],
        "day": [f"{datetime.fromtimestamp(start, UTC):%a %-d %b}" for start, _, _ in rated],
        "name": [name for _, name, _ in rated],
        **_texts([rate for _, _, rate in rated], formats),
    }
    x = {"field": "at", "type": "temporal", "scale": {"type": "utc", "domain": extent("at", "at")},
         "axis": {"title": None, "format": "%-d %b", "tickCount": 7, "grid": False}}  # fmt: skip
    y = {"field": "ctr", "type": "quantitative", "axis": percent_axis(formats),
         "scale": {"zero": False, "nice": True, "domain": extent("ctr", "ctr")}}  # fmt: skip
    colour = {"field": "name", "type": "nominal", "legend": {"title": None, "orient": "top", "symbolOpacity": 1}}
    spec = vega_spec() | {
        "mark": {"type": "line", "point": True},
        "encoding": {"x": x, "y": y, "color": colour, "tooltip": _tooltip(("name", title), ("day", "From"))},
    }
    st.vega_lite_chart(data, spec, height=_LINES_PIXELS, key=key)


def heat_map(hours: Mapping[tuple[int, int], Counts], formats: Formats) -> None:
    """By weekday (1 is Monday) and hour of day."""
    rated = [(place, rate) for place, counts in sorted(hours.items()) if (rate := rate_of(counts))]
    data = {
        "weekday": [WEEKDAYS[weekday - 1] for (weekday, _), _ in rated],
        "hour": [hour for (_, hour), _ in rated],
        **_texts([rate for _, rate in rated], formats),
    }
    legend = {key: value for key, value in percent_axis(formats).items() if key != "tickCount"}
    spec = vega_spec() | {
        "mark": {"type": "rect"},
        "encoding": {
            "x": {"field": "hour", "type": "ordinal", "scale": {"domain": list(range(24))},
                  "axis": {"title": None, "labelAngle": 0, "labelOverlap": True}},
            "y": {"field": "weekday", "type": "ordinal", "scale": {"domain": WEEKDAYS}, "axis": {"title": None}},
            "color": {"field": "ctr", "type": "quantitative", "legend": legend,
                      "scale": {"scheme": "viridis", "domain": extent("ctr", "ctr")}},
            "tooltip": _tooltip(("weekday", "Weekday"), ("hour", "Hour (UTC)")),
        },
    }  # fmt: skip
    st.vega_lite_chart(data, spec, height=_MAP_PIXELS, key="hours")


def _texts(rates: list[Rate], formats: Formats) -> dict[str, list[Any]]:
    return {
        "ctr": [each.value for each in rates],
        "ctr_text": [formats.percent(each.value) for each in rates],
        "interval": [formats.percent_interval(each) for each in rates],
        "counts": [f"{formats.number(r.counts.clicks)} of {formats.number(r.counts.impressions)}" for r in rates],
    }


def _tooltip(*first: tuple[str, str]) -> list[dict[str, str]]:
    columns = (*first, ("ctr_text", "CTR"), ("interval", "95% interval"), ("counts", "Clicks of impressions"))
    return [{"field": field, "type": "nominal", "title": title} for field, title in columns]
