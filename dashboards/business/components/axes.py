"""Axes that write numbers and times as the viewer does. Vega knows one locale per page, so they are told here."""

from __future__ import annotations

from typing import Any

from dashboards.business.view.formats import Formats

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
"""The version of Vega-Lite that Streamlit brings along. Nobody fetches this."""


def percent_axis(formats: Formats, digits: int = 1) -> dict[str, Any]:
    """Shares as percentages."""
    label = f"replace(format(datum.value * 100, '.{digits}f'), '.', '{formats.decimal}') + '{formats.percent_sign}'"
    return {"title": None, "labelExpr": label, "tickCount": 5}


def time_axis(formats: Formats) -> dict[str, Any]:
    """Times of the day. Vega draws them in the browser's zone, which is the one that the page names."""
    return {"title": None, "format": "%-I:%M %p" if formats.twelve_hours else "%H:%M", "tickCount": 8, "grid": False}
