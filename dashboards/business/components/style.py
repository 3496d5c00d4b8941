"""The few rules of style that themes don't cover."""

from __future__ import annotations

import streamlit as st

_CSS = """
<style>
  .stMainBlockContainer { padding: 1.1rem 2.5rem 2rem; max-width: 1500px; }
  header[data-testid="stHeader"] { background: transparent; height: 2rem; min-height: 2rem; }
  h1.adctr-title { font-size: 1.45rem; font-weight: 700; line-height: 1.2; margin: 0; padding: 0; }
  .adctr-head { display: flex; gap: 0.7rem; align-items: baseline; }
  h2.adctr-heading { font-size: 1.02rem; font-weight: 600; margin: 0.1rem 0 0 0; padding: 0; }
  .adctr-sub { font-size: 0.82rem; opacity: 0.72; }
  .adctr-fresh { font-size: 0.86rem; display: flex; flex-wrap: wrap; gap: 0.15rem 0.9rem; align-items: baseline; }
  .adctr-fresh .faint { opacity: 0.72; }
  .adctr-badge { font-weight: 600; white-space: nowrap; }
  .adctr-badge::before { display: inline-block; margin-right: 0.35rem; font-size: 0.8rem; }
  .adctr-badge.on::before { content: "●"; color: light-dark(#00795A, #3CCB9F); }
  .adctr-badge.off::before { content: "▲"; color: light-dark(#B84A00, #FF9A57); }
  ul.adctr-marks { font-size: 0.82rem; margin: 0; padding: 0; list-style: none; }
  ul.adctr-marks li { margin: 0; padding: 0; font-size: inherit; }
  .adctr-card .label { font-size: 0.875rem; }
  .adctr-card .value { font-size: 1.75rem; line-height: 1.5; }
  .adctr-card .line { font-size: 0.85rem; line-height: 1.55; color: light-dark(#4C5966, #B4BFCA); }
  .adctr-card .change { font-weight: 600; white-space: nowrap; }
  .adctr-card .up { color: light-dark(#00795A, #3CCB9F); }
  .adctr-card .down { color: light-dark(#B84A00, #FF9A57); }
  .adctr-card .same { color: light-dark(#5F6B77, #9AA6B2); }
  .adctr-card .spark { height: 2.6rem; margin-top: 0.5rem; background: light-dark(#A6CBE3, #2B5B7C); }
  /* A refresh replaces figures in place; nothing fades while it is under way. */
  .stElementContainer, [data-stale="true"] { opacity: 1 !important; transition: none !important; }
  @media (max-width: 640px) { .stMainBlockContainer { padding-left: 0.8rem; padding-right: 0.8rem; } }
</style>
"""


def render() -> None:
    st.html(_CSS)


def heading(text: str, explanation: str = "") -> None:
    """A section's heading. Both texts are ours."""
    st.html(f'<h2 class="adctr-heading">{text}</h2><div class="adctr-sub">{explanation}</div>')
