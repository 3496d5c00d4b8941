"""CTR over time. The specification never changes, only its data: so a refresh redraws nothing that stays."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import streamlit as st

from dashboards.business.components.axes import SCHEMA, percent_axis, time_axis
from dashboards.business.snapshot import FIVE_MINUTES
from dashboards.business.view.formats import Formats
from dashboards.business.view.series import CLOSED, LIVE, NAMES, Point

HEIGHT_PIXELS = 290


def render(points: Sequence[Point], range_seconds: tuple[int, int], formats: Formats) -> None:
    """``range_seconds`` are the ends of the axis: a row without a rate each, because a fixed domain would be part of
    the specification and change with every window.
    """
    data: dict[str, list[Any]] = {
        "at": [each.at for each in points],
        "windows": [NAMES[each.size_seconds] for each in points],
        "part": [each.part for each in points],
        "marked": [each.marked for each in points],
        "ctr": [each.rate.value for each in points],
        "low": [each.rate.low for each in points],
        "high": [each.rate.high for each in points],
        "window": [formats.span(each.start_seconds, each.size_seconds) for each in points],
        "ctr_text": [formats.percent(each.rate.value) for each in points],
        "likely": [f"{formats.percent(each.rate.low)} to {formats.percent(each.rate.high)}" for each in points],
        "counts": [
            f"{formats.number(each.rate.counts.clicks)} of {formats.number(each.rate.counts.impressions)}"
            for each in points
        ],
    }
    ends = [datetime.fromtimestamp(each, UTC) for each in range_seconds]
    nothing: dict[str, list[Any]] = {
        "at": ends,
        "windows": [NAMES[FIVE_MINUTES]] * 2,
        "part": [CLOSED] * 2,
        "marked": [False] * 2,
    }
    rows = {name: [*column, *nothing.get(name, [None, None])] for name, column in data.items()}
    st.vega_lite_chart(rows, _spec(formats), height=HEIGHT_PIXELS, key="ctr")


def _spec(formats: Formats) -> dict[str, Any]:
    names = [NAMES[size] for size in sorted(NAMES, reverse=True)]
    colour = {"field": "windows", "type": "nominal", "scale": {"domain": names}, "legend": _legend()}
    x = {"field": "at", "type": "temporal", "axis": time_axis(formats)}
    y = {"field": "ctr", "type": "quantitative", "axis": percent_axis(formats, 2), "scale": {"zero": False}}
    dash = {"field": "part", "type": "nominal", "legend": None,
            "scale": {"domain": [CLOSED, LIVE], "range": [[1, 0], [4, 3]]}}  # fmt: skip
    width = {"condition": {"test": f"datum.windows === '{names[0]}'", "value": 3}, "value": 1.6}
    is_live = f"datum.part === '{LIVE}'"
    band = {
        "mark": {"type": "area", "opacity": 0.16, "interpolate": "linear"},
        "transform": [{"filter": f"datum.windows === '{names[0]}' && datum.marked"}],
        "encoding": {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}, "color": colour},
    }
    lines = {
        "mark": {"type": "line"},
        "encoding": {"x": x, "y": y, "color": colour, "strokeDash": dash, "strokeWidth": width},
    }
    dots = {
        "mark": {"type": "point", "filled": True, "opacity": 1},
        "transform": [{"filter": "datum.marked"}],
        "encoding": {
            "x": x, "y": y, "color": colour,
            "size": {"condition": {"test": is_live, "value": 0}, "value": 28},
            "tooltip": _tooltip(),
        },
    }  # fmt: skip
    rings = {
        "mark": {"type": "point", "filled": False, "strokeWidth": 2.2, "size": 90, "opacity": 1},
        "transform": [{"filter": f"datum.marked && {is_live}"}],
        "encoding": {"x": x, "y": y, "color": colour, "tooltip": _tooltip()},
    }
    return {"$schema": SCHEMA, "layer": [band, lines, dots, rings]}


def _legend() -> dict[str, Any]:
    return {
        "title": None,
        "orient": "top",
        "direction": "horizontal",
        "symbolType": "stroke",
        "symbolStrokeWidth": 3,
        "symbolOpacity": 1,
    }


def _tooltip() -> list[dict[str, str]]:
    titles = {"window": "Window", "ctr_text": "CTR", "likely": "Likely", "counts": "Clicks of impressions",
              "windows": "Size", "part": "State"}  # fmt: skip
    return [{"field": field, "type": "nominal", "title": title} for field, title in titles.items()]
