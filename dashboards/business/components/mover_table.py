"""Campaigns with their CTR of two periods and the change."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboards.business.components.axes import PERCENT
from dashboards.business.view.formats import Formats
from dashboards.business.view.movers import Mover


def render(movers: Sequence[Mover], formats: Formats) -> None:
    if not movers:
        st.caption("No change that chance does not explain.")
        return
    st.dataframe(
        {
            "Campaign": [each.name for each in movers],
            "Change": [formats.points(each.change.value) for each in movers],
            "95% interval": [formats.points_interval(each.change) for each in movers],
            "CTR before": [each.before.value for each in movers],
            "CTR": [each.now.value for each in movers],
        },
        hide_index=True,
        column_config={name: st.column_config.NumberColumn(**PERCENT) for name in ("CTR before", "CTR")},
    )
