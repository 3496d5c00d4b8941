"""Selecting a row or a bar filters by what it names. The filters hold it, so it is in the page's address."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import partial
from typing import Any

import streamlit as st

from dashboards.business.selection import Selection

MOST_CHARACTERS = 80
"""Of a name beside its way back."""


class Filter(StrEnum):
    """The keys of the filters' widgets and of their part of the address."""

    CATEGORY = "category"
    CAMPAIGN = "campaign"


def from_table(filter_: Filter, widget: str, names: Sequence[str]) -> dict[str, Any]:
    """Options for `st.dataframe`: selecting a row chooses its name, of ``names``."""
    return {
        "key": widget,
        "on_select": partial(_take, filter_, widget, lambda chosen: _named(chosen, names)),
        "selection_mode": "single-row",
    }


def from_chart(filter_: Filter, widget: str, parameter: str) -> dict[str, Any]:
    """Options for `st.vega_lite_chart`, whose point selection ``parameter`` is on the field of that name."""
    return {
        "key": widget,
        "on_select": partial(_take, filter_, widget, lambda chosen: _pointed(chosen, parameter)),
        "selection_mode": parameter,
    }


def left(selection: Selection) -> bool:
    """Whether something was chosen since the filters were drawn: the whole page has to be drawn anew."""
    chosen = (st.session_state.get(Filter.CATEGORY), st.session_state.get(Filter.CAMPAIGN))
    return chosen != (selection.category, selection.campaign_id)


def ways_back(selection: Selection) -> None:
    """A button for each filter that is set, and what it is set to."""
    with st.container(horizontal=True, vertical_alignment="center"):
        for filter_, chosen, all_of_them in (
            (Filter.CAMPAIGN, selection.campaign_id, "All campaigns"),
            (Filter.CATEGORY, selection.category, "All categories"),
        ):
            if chosen is not None:
                st.button(
                    all_of_them,
                    key=f"back-{filter_}",
                    icon=":material/arrow_back:",
                    on_click=partial(_set, filter_, None),
                )
                st.text(chosen[:MOST_CHARACTERS], width="content")


def _take(filter_: Filter, widget: str, read: Callable[[Any], str | None]) -> None:
    name = read(st.session_state[widget].selection)
    if name is not None:
        _set(filter_, name)


def _set(filter_: Filter, name: str | None) -> None:
    st.session_state[filter_] = name


def _named(chosen: Any, names: Sequence[str]) -> str | None:
    rows: list[int] = chosen.rows
    return names[rows[0]] if rows and rows[0] < len(names) else None


def _pointed(chosen: Any, parameter: str) -> str | None:
    points = chosen.get(parameter) or []
    return str(points[0][parameter]) if points else None
