"""The chart's marks as text, the newest first: for those who cannot point at them."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from dashboards.business.view.marks import ChartMark

MOST_LINES = 4


def render(marks: Sequence[ChartMark], *, known: bool) -> None:
    """``known``: whether the marks could be read."""
    if not known:
        st.html('<p class="adctr-sub">Marks are not available: the database does not answer.</p>')
        return
    if not marks:
        return
    newest = list(reversed(marks))[:MOST_LINES]
    lines = [f"<li>▼ {escape(each.text)}</li>" for each in newest]
    if len(marks) > MOST_LINES:
        more = len(marks) - MOST_LINES
        lines.append(f"<li>and {more} earlier mark{'s' if more > 1 else ''}</li>")
    st.html(f'<ul class="adctr-marks" aria-label="Marks on the chart">{"".join(lines)}</ul>')
