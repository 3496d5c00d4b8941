"""CTR over time. The specification never changes, only its data: so a refresh redraws nothing that stays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import streamlit as st

from dashboards.business.components.axes import extent, percent_axis, time_axis, vega_spec
from dashboards.business.past import FIVE_MINUTES
from dashboards.business.view.formats import Formats
from dashboards.business.view.marks import ChartMark
from dashboards.business.view.series import CLOSED, LIVE, NAMES, Point
from pipeline.store.history import MarkKind

HEIGHT_PIXELS = 290
_GREY, _RED, _PURPLE = "#7C8996", "#D55E00", "#B85F93"
# A layer without rows is an image without a name to screen readers; the lines and the list of marks say the same.
_SILENT = {"aria": False}
_COLUMNS = ("at", "until", "windows", "part", "marked", "ctr", "low", "high", "window", "ctr_text", "interval",
            "counts", "mark", "kind")  # fmt: skip

Row = dict[str, Any]


def render(
    points: Sequence[Point],
    earlier: Sequence[Point],
    earlier_name: str,
    marks: Sequence[ChartMark],
    ends_seconds: tuple[int, int],
    formats: Formats,
) -> None:
    """``earlier`` are the points compared with, a line called ``earlier_name`` (empty: no comparison).

    ``ends_seconds`` are the ends of the axis: a row without a rate each, because a fixed domain would be part of the
    specification and change with every window.
    """
    rows = [_point(each, NAMES[each.size_seconds], formats) for each in points]
    rows += [_point(each, earlier_name, formats) for each in earlier]
    rows += [_mark(each) for each in marks]
    rows += [_row(at=_time(each), windows=NAMES[FIVE_MINUTES], part=CLOSED, marked=False) for each in ends_seconds]
    data = {column: [row[column] for row in rows] for column in _COLUMNS}
    st.vega_lite_chart(data, _spec(earlier_name, formats), height=HEIGHT_PIXELS, key="ctr")


def _row(**values: Any) -> Row:
    return dict.fromkeys(_COLUMNS) | values


def _point(point: Point, windows: str, formats: Formats) -> Row:
    counts, rate = point.rate.counts, point.rate
    # The ends of the band are in the axis's domain: those of lines without one would only flatten the chart.
    low, high = (rate.low, rate.high) if windows == NAMES[FIVE_MINUTES] else (rate.value, rate.value)
    return _row(
        at=point.at,
        windows=windows,
        part=point.part,
        marked=point.marked,
        ctr=rate.value,
        low=low,
        high=high,
        window=formats.span(point.start_seconds, point.size_seconds),
        ctr_text=formats.percent(rate.value),
        interval=formats.percent_interval(rate),
        counts=f"{formats.number(counts.clicks)} of {formats.number(counts.impressions)}",
    )


def _mark(mark: ChartMark) -> Row:
    return _row(at=_time(mark.begin_seconds), until=_time(mark.end_seconds), mark=mark.text, kind=mark.kind)


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _spec(earlier_name: str, formats: Formats) -> dict[str, Any]:
    five, one = (NAMES[size] for size in sorted(NAMES, reverse=True))
    names = [five, one, *([earlier_name] if earlier_name else [])]
    colour = {"field": "windows", "type": "nominal", "legend": _legend(),
              "scale": {"domain": names}}  # fmt: skip
    x = {"field": "at", "type": "temporal", "axis": time_axis(formats),
         "scale": {"domain": extent("at", "at")}}  # fmt: skip
    y = {"field": "ctr", "type": "quantitative", "axis": percent_axis(formats),
         "scale": {"zero": False, "nice": True, "domain": extent("low", "high")}}  # fmt: skip
    dash = {"field": "part", "type": "nominal", "legend": None,
            "scale": {"domain": [CLOSED, LIVE], "range": [[1, 0], [4, 3]]}}  # fmt: skip
    width = {"condition": {"test": f"datum.windows === '{five}'", "value": 3}, "value": 1.6}
    is_live, is_line, is_mark = f"datum.part === '{LIVE}'", "datum.mark === null", "datum.mark !== null"
    band = {
        "mark": {"type": "area", "opacity": 0.16, "interpolate": "linear", **_SILENT},
        "transform": [{"filter": f"datum.windows === '{five}' && datum.marked"}],
        "encoding": {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}, "color": colour},
    }
    lines = {
        "mark": {"type": "line"},
        "transform": [{"filter": is_line}],
        "encoding": {"x": x, "y": y, "color": colour, "strokeDash": dash, "strokeWidth": width},
    }
    dots = {
        "mark": {"type": "point", "filled": True, "opacity": 1, **_SILENT},
        "transform": [{"filter": "datum.marked"}],
        "encoding": {
            "x": x, "y": y, "color": colour,
            "size": {"condition": {"test": is_live, "value": 0}, "value": 28},
            "tooltip": _tooltip(),
        },
    }  # fmt: skip
    rings = {
        "mark": {"type": "point", "filled": False, "strokeWidth": 2.2, "size": 90, "opacity": 1, **_SILENT},
        "transform": [{"filter": f"datum.marked && {is_live}"}],
        "encoding": {"x": x, "y": y, "color": colour, "tooltip": _tooltip()},
    }
    return {**vega_spec(), "layer": [*_mark_layers(x, is_mark), band, lines, dots, rings]}


def _mark_layers(x: dict[str, Any], is_mark: str) -> Iterable[dict[str, Any]]:
    """A band over what lasts, a line where it begins, and a triangle at its top to point at."""
    only = {"transform": [{"filter": is_mark}]}
    # No field and so no scale: it would share the legend of the lines.
    colour = {
        "condition": [
            {"test": f"datum.kind === '{MarkKind.OUTAGE}'", "value": _RED},
            {"test": f"datum.kind === '{MarkKind.RECOUNT}' || datum.kind === '{MarkKind.REPLAY}'", "value": _PURPLE},
        ],
        "value": _GREY,
    }
    tooltip = [{"field": "mark", "type": "nominal", "title": "Mark"}]
    encoding = {"x": x, "color": colour, "tooltip": tooltip}
    top = {"value": 4}
    return (
        {
            **only,
            "mark": {"type": "rect", "opacity": 0.14, **_SILENT},
            "encoding": {**encoding, "x2": {"field": "until"}},
        },
        {**only, "mark": {"type": "rule", "strokeWidth": 1.2, "strokeDash": [2, 2], **_SILENT}, "encoding": encoding},
        {
            **only,
            "mark": {"type": "point", "shape": "triangle-down", "filled": True, "size": 90, "opacity": 1, **_SILENT},
            "encoding": {**encoding, "y": top},
        },
    )


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
    titles = {"window": "Window", "ctr_text": "CTR", "interval": "95% interval", "counts": "Clicks of impressions",
              "windows": "Line", "part": "State"}  # fmt: skip
    return [{"field": field, "type": "nominal", "title": title} for field, title in titles.items()]
