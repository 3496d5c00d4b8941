"""A card: a label, a value, what changed and since when, and the last values as a line.

Not `st.metric`: its sparkline writes warnings of Vega to the console, and it cuts the interval of a change off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import streamlit as st

_LOWEST = 0.12
"""The least of the values stands so far above the ground: a shape and not a zero."""


@dataclass(frozen=True)
class Change:
    """``text`` is coloured by ``sign`` (1 up, -1 down), grey for 0: it may be chance. ``description`` stays plain."""

    text: str
    description: str
    sign: int = 0


@dataclass(frozen=True)
class Card:
    """Texts may be anybody's: they are escaped here. ``series`` are the values before, oldest first."""

    label: str
    value: str
    changes: Sequence[Change] = ()
    series: Sequence[float] = ()


def render(card: Card) -> None:
    lines = "".join(f'<div class="line">{_change(each)}</div>' for each in card.changes)
    with st.container(border=True, height="stretch"):
        st.html(
            f'<div class="adctr-card"><div class="label">{escape(card.label)}</div>'
            f'<div class="value">{escape(card.value)}</div>{lines}{sparkline(card.series)}</div>'
        )


def _change(change: Change) -> str:
    if not change.text:
        return escape(change.description)
    kind, arrow = {1: ("up", "▲"), -1: ("down", "▼"), 0: ("same", "■")}[change.sign]
    description = f" {escape(change.description)}" if change.description else ""
    return (
        f'<span class="change {kind}"><span aria-hidden="true">{arrow}</span> {escape(change.text)}</span>{description}'
    )


def sparkline(series: Sequence[float]) -> str:
    """An area as wide as its card, cut out by CSS: `st.html` takes SVG away. Empty for fewer than two values."""
    if len(series) < 2:
        return ""
    low, high = min(series), max(series)
    scale = (1.0 - _LOWEST) / (high - low) if high > low else 0.0
    step = 100.0 / (len(series) - 1)
    points = [
        f"{step * place:.1f}% {100 * (1.0 - _LOWEST - (value - low) * scale):.1f}%"
        for place, value in enumerate(series)
    ]
    corners = ", ".join(["0% 100%", *points, "100% 100%"])
    return f'<div class="spark" aria-hidden="true" style="clip-path: polygon({corners})"></div>'
