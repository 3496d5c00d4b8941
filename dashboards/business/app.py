"""The page. Run by Streamlit: ``adctr dashboard``, or the stack's service ``dashboard``."""

from __future__ import annotations

import logging

import streamlit as st

from dashboards.business.components import (
    campaign_table,
    category_table,
    ctr_chart,
    filters,
    freshness_line,
    headline_cards,
    notice_box,
    podium,
    style,
)
from dashboards.business.selection import Selection
from dashboards.business.snapshot import FIVE_MINUTES, Snapshot, Unavailable
from dashboards.business.source import page_source, shared_snapshot
from dashboards.business.view import freshness, ranking
from dashboards.business.view.formats import Formats
from dashboards.business.view.headline import headline
from dashboards.business.view.series import ctr_points

log = logging.getLogger("adctr.dashboard")


def main() -> None:
    st.set_page_config(page_title="Ad performance", page_icon="📈", layout="wide")
    style.render()
    selection = filters.render()
    st.fragment(refreshed, run_every=page_source().refresh_seconds)(selection)


def refreshed(selection: Selection) -> None:
    """What is drawn anew at each interval. An error of ours is in the log, and a sentence on the page."""
    try:
        _draw(selection, Formats.of(st.context.locale, st.context.timezone))
    except Exception:
        log.exception("the page could not be drawn")
        notice_box.render(freshness.page_failed(page_source().refresh_seconds))


def _draw(selection: Selection, formats: Formats) -> None:
    source = page_source()
    found = shared_snapshot(selection.range_seconds, selection.campaign_id)
    shown = _newest_shown(found, selection)
    # Places that are always there: a notice that comes or goes moves no figure, which would be drawn anew elsewhere.
    line, above, figures = st.container(), st.container(), st.container()
    if isinstance(found, Unavailable):
        with above:
            notice_box.render(freshness.unavailable(found, shown, source.refresh_seconds, formats))
    if shown is None:
        return
    with line:
        fresh = freshness.freshness(shown, source.limits, formats)
        freshness_line.render(fresh, source.refresh_seconds, formats)
    with above:
        for notice in freshness.notices(shown, source.limits, formats):
            notice_box.render(notice)
    with figures:
        _figures(shown, selection, formats)


def _newest_shown(found: Snapshot | Unavailable, selection: Selection) -> Snapshot | None:
    """What was read now or, while nothing can be, what this viewer has last seen of the same selection."""
    if isinstance(found, Snapshot):
        st.session_state["shown"] = (selection, found)
        return found
    last: tuple[Selection, Snapshot] | None = st.session_state.get("shown")
    return last[1] if last is not None and last[0] == selection else None


def _figures(shown: Snapshot, selection: Selection, formats: Formats) -> None:
    top = headline(shown, selection.category)
    campaigns = ranking.campaigns(shown.cells, selection.category)
    if not top.range_counts.total:
        notice_box.render(freshness.nothing_yet(selection.filtered))
        return
    headline_cards.render(top, selection.range_name, formats)
    chart, table = st.columns([1.35, 1])
    with chart:
        style.heading("CTR over time", "band: where the true rate lies with 95 % certainty; dashed: still counting")
        ends = shown.windows[0].start_seconds, shown.windows[-1].start_seconds + FIVE_MINUTES
        ctr_chart.render(ctr_points(shown, selection.range_seconds, selection.category), ends, formats)
    with table:
        style.heading("Categories", f"last {selection.range_name}, the surely best first")
        category_table.render(ranking.categories(shown.cells), formats)
    best, worst = st.columns(2)
    with best:
        style.heading("Top campaigns", "by the least that their CTR is likely to be")
        podium.render(campaigns, "top", formats)
    with worst:
        style.heading("Bottom campaigns", "by the most that their CTR is likely to be")
        podium.render(ranking.worst_first(campaigns), "bottom", formats)
    style.heading("All campaigns", "click a column to sort; the magnifier above the table searches")
    campaign_table.render(campaigns, f"campaigns-last-{selection.range_name.replace(' ', '')}.csv")


main()
