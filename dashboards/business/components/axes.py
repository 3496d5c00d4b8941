"""Axes that write numbers and times as the viewer does. Vega knows one locale per page, so they are told here."""

from __future__ import annotations

from typing import Any, Final, TypedDict

from dashboards.business.view.formats import Formats

_SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
"""The version of Vega-Lite that Streamlit brings along. Nobody fetches this."""
_DATA = "source"
"""What Streamlit calls the data of a chart."""


class PercentFormat(TypedDict):
    """Options of a column."""

    format: str
    step: float


PERCENT: Final[PercentFormat] = {"format": "percent", "step": 0.0001}
"""Two decimals, also where they are zeros: as `Formats.percent`. The step says how many."""


def vega_spec() -> dict[str, Any]:
    """What every chart's specification begins with."""
    return {"$schema": _SCHEMA}


def extent(low: str, high: str) -> dict[str, str]:
    """A scale's domain: from the least ``low`` to the greatest ``high``, fields of Streamlit's data set.

    Told, and not left to Vega: Streamlit draws each chart without its data first, and Vega warns that no data has no
    extent.
    """
    first, last = (f"extent(pluck(data('{_DATA}'), '{field}'))" for field in (low, high))
    return {"expr": f"length(data('{_DATA}')) ? [{first}[0], {last}[1]] : [0, 1]"}


def percent_axis(formats: Formats) -> dict[str, Any]:
    """Shares as percentages, written as `Formats.percent` does."""
    label = f"replace(format(datum.value * 100, '.2f'), '.', '{formats.decimal}') + '{formats.percent_sign}'"
    return {"title": None, "labelExpr": label, "tickCount": 5}


def time_axis(formats: Formats) -> dict[str, Any]:
    """Times of the day. Vega draws them in the browser's zone, which is the one that the page names."""
    return {"title": None, "format": "%-I:%M %p" if formats.twelve_hours else "%H:%M", "tickCount": 8, "grid": False}
