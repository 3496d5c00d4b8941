"""A notice above the figures."""

from __future__ import annotations

import streamlit as st

from dashboards.business.view.freshness import Notice, Tone

_ICONS = {Tone.INFO: ":material/info:", Tone.WARNING: ":material/schedule:"}


def render(notice: Notice) -> None:
    box = st.info if notice.tone is Tone.INFO else st.warning
    box(f"**{notice.title}** {notice.text}", icon=_ICONS[notice.tone])
