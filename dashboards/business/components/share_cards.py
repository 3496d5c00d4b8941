"""A campaign's or category's share of everything, and its CTR against that of the others."""

from __future__ import annotations

import streamlit as st

from dashboards.business.components import card
from dashboards.business.components.card import Card, Change
from dashboards.business.components.headline_cards import points
from dashboards.business.view.formats import Formats
from dashboards.business.view.share import Share


def render(share: Share, whole_name: str, formats: Formats) -> None:
    """``whole_name`` is what the shares are of."""
    difference = share.against_others
    cards = (
        Card("Share of impressions", _part(share.impressions, formats),
             [Change("", f"of {formats.number(share.whole.impressions)} in {whole_name}")]),
        Card("Share of clicks", _part(share.clicks, formats),
             [Change("", f"of {formats.number(share.whole.clicks)} in {whole_name}")]),
        Card("CTR against all others", "–" if difference is None else formats.points(difference.value),
             [] if difference is None else [_judged(difference.sign), *points(difference, "", formats)[1:]]),
    )  # fmt: skip
    for column, each in zip(st.columns(len(cards)), cards, strict=True):
        with column:
            card.render(each)


def _part(share: float | None, formats: Formats) -> str:
    return "–" if share is None else formats.percent(share)


def _judged(sign: int) -> Change:
    return Change({1: "higher", -1: "lower", 0: "may be chance"}[sign], "", sign)
