"""The few rules of style that themes don't cover."""

from __future__ import annotations

import streamlit as st

_CSS = """
<style>
  .stMainBlockContainer { padding-top: 1.1rem; padding-bottom: 2rem; max-width: 1500px; }
  header[data-testid="stHeader"] { background: transparent; height: 2rem; min-height: 2rem; }
  .adctr-title { font-size: 1.45rem; font-weight: 700; line-height: 1.2; margin: 0; }
  .adctr-heading { font-size: 1.02rem; font-weight: 600; margin: 0.1rem 0 0 0; }
  .adctr-sub { font-size: 0.82rem; opacity: 0.72; }
  .adctr-fresh { font-size: 0.86rem; display: flex; flex-wrap: wrap; gap: 0.15rem 0.9rem; align-items: baseline; }
  .adctr-fresh .faint { opacity: 0.72; }
  .adctr-badge { font-weight: 600; white-space: nowrap; }
  .adctr-badge::before { display: inline-block; margin-right: 0.35rem; font-size: 0.8rem; }
  .adctr-badge.on::before { content: "●"; color: #009E73; }
  .adctr-badge.off::before { content: "▲"; color: #D55E00; }
  [data-testid="stMetricDelta"] { font-size: 0.85rem; }
  .adctr-card .label { font-size: 0.875rem; }
  .adctr-card .value { font-size: 1.75rem; line-height: 1.5; }
  .adctr-card .line { font-size: 0.85rem; opacity: 0.75; line-height: 1.55; }
  /* A refresh replaces figures in place; nothing fades while it is under way. */
  .stElementContainer, [data-stale="true"] { opacity: 1 !important; transition: none !important; }
  @media (max-width: 640px) { .stMainBlockContainer { padding-left: 0.8rem; padding-right: 0.8rem; } }
</style>
"""


def render() -> None:
    st.html(_CSS)


def heading(text: str, explanation: str = "") -> None:
    """A section's heading. Both texts are ours."""
    st.html(f'<div class="adctr-heading">{text}</div><div class="adctr-sub">{explanation}</div>')
