"""One line above the figures: how old they are, and whether the objectives are kept."""

from __future__ import annotations

from html import escape

import streamlit as st

from dashboards.business.view.formats import Formats
from dashboards.business.view.freshness import Freshness
from pipeline.contract.dashboard_page import read_at_attribute


def render(fresh: Freshness, refresh_seconds: int, formats: Formats) -> None:
    kept = sum(check.kept for check in fresh.checks)
    state, word = ("on", "On target") if fresh.on_target else ("off", "Off target")
    checks = escape(" · ".join(check.text for check in fresh.checks))
    refreshed = f"Refreshed {formats.time(fresh.read_at_seconds)} ({formats.zone_name}), every {refresh_seconds} s"
    st.html(
        f'<div class="adctr-fresh" {read_at_attribute(fresh.read_at_seconds)}>'
        f'<span class="adctr-badge {state}">{word}: {kept} of {len(fresh.checks)} objectives kept</span>'
        f'<span class="faint">{checks}</span>'
        f'<span class="faint">{escape(refreshed)}</span></div>'
    )
