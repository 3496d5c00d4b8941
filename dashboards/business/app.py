"""The page. Run by Streamlit: ``adctr dashboard``, or the stack's service ``dashboard``."""

from __future__ import annotations

import logging

import streamlit as st

from dashboards.business.components import drill, figures, filters, freshness_line, help_text, notice_box, style
from dashboards.business.selection import Selection
from dashboards.business.snapshot import Earlier, Snapshot, Unavailable
from dashboards.business.source import page_source, shared_earlier, shared_snapshot
from dashboards.business.view import comparison, freshness
from dashboards.business.view.formats import Formats
from pipeline.store.history import History

log = logging.getLogger("adctr.dashboard")


def main() -> None:
    st.set_page_config(page_title="Ad performance", page_icon="📈", layout="wide")
    style.render()
    selection = filters.render()
    st.fragment(refreshed, run_every=page_source().refresh_seconds)(selection)
    help_text.render()


def refreshed(selection: Selection) -> None:
    """What is drawn anew at each interval. An error of ours is in the log, and a sentence on the page."""
    if drill.left(selection):
        st.rerun()
    try:
        _draw(selection, Formats.of(st.context.locale, st.context.timezone))
    except Exception:
        log.exception("the page could not be drawn")
        notice_box.render(freshness.page_failed(page_source().refresh_seconds))


def _draw(selection: Selection, formats: Formats) -> None:
    source = page_source()
    found = shared_snapshot(selection.range_seconds, selection.campaign_id)
    shown, earlier = _newest_shown(found, selection)
    # Places that are always there: a notice that comes or goes moves no figure, which would be drawn anew elsewhere.
    line, above, below = st.container(), st.container(), st.container()
    if isinstance(found, Unavailable):
        with above:
            notice_box.render(freshness.unavailable(found, shown, source.refresh_seconds, formats))
    if shown is None:
        return
    history = source.history()
    with line:
        fresh = freshness.freshness(shown, source.limits, formats)
        freshness_line.render(fresh, source.refresh_seconds, formats)
    with above:
        for notice in freshness.notices(shown, source.limits, formats):
            notice_box.render(notice)
        earlier = _comparable(shown, earlier, selection, history, formats)
    with below:
        figures.render(shown, earlier, history, selection, formats)


def _newest_shown(found: Snapshot | Unavailable, selection: Selection) -> tuple[Snapshot | None, Earlier | None]:
    """What was read now or, while nothing can be, what this viewer has last seen of the same selection."""
    if isinstance(found, Snapshot):
        earlier = shared_earlier(found, selection)
        st.session_state["shown"] = (selection, found, earlier)
        return found, earlier
    last: tuple[Selection, Snapshot, Earlier | None] | None = st.session_state.get("shown")
    return (last[1], last[2]) if last is not None and last[0] == selection else (None, None)


def _comparable(
    shown: Snapshot, earlier: Earlier | None, selection: Selection, history: History | None, formats: Formats
) -> Earlier | None:
    """The earlier period, or a notice why there is none."""
    if earlier is None:
        return None
    begins = history.begins_seconds if history is not None else None
    reason = comparison.not_comparable(shown, earlier, selection.category, begins, formats)
    if reason is None:
        return earlier
    notice_box.render(reason)
    return None


main()
