"""Everything below the notices: cards, chart, tables. One campaign's own view has its shares and its categories."""

from __future__ import annotations

import streamlit as st

from dashboards.business.components import (
    campaign_table,
    category_table,
    ctr_chart,
    drill,
    headline_cards,
    mark_list,
    notice_box,
    podium,
    series_file,
    share_cards,
    style,
)
from dashboards.business.past import FIVE_MINUTES
from dashboards.business.selection import Selection
from dashboards.business.snapshot import Earlier, Snapshot
from dashboards.business.view import freshness, marks, ranking, series
from dashboards.business.view.comparison import comparison
from dashboards.business.view.formats import Formats
from dashboards.business.view.headline import headline
from dashboards.business.view.share import share
from pipeline.store.history import History


def render(
    shown: Snapshot, earlier: Earlier | None, history: History | None, selection: Selection, formats: Formats
) -> None:
    """``earlier`` is None where nothing is compared, ``history`` where it could not be read."""
    top = headline(shown, selection.category, earlier)
    if not top.range_counts.total:
        notice_box.render(freshness.nothing_yet(selection.filtered))
        return
    compared = comparison(shown, earlier, selection.category) if earlier else None
    headline_cards.render(top, compared, selection.range_name, formats)
    if selection.filtered:
        _share(shown, selection, formats)
    chart, table = st.columns([1.2, 1])
    with chart:
        _chart(shown, earlier, history, selection, formats)
    with table:
        of = " of this campaign" if selection.campaign_id else ""
        style.heading(f"Categories{of}", f"last {selection.range_name}, sorted by the lower end of the 95% interval")
        rows = ranking.categories(shown.cells)
        chosen = drill.from_table(drill.Filter.CATEGORY, "categories", [each.name for each in rows])
        category_table.render(rows, formats, **chosen)
    if selection.campaign_id is None:
        _campaigns(shown, selection, formats)


def _share(shown: Snapshot, selection: Selection, formats: Formats) -> None:
    this = "This campaign" if selection.campaign_id else "This category"
    whole = "this category" if selection.campaign_id and selection.category else "all campaigns"
    style.heading(this, f"share of {whole}, last {selection.range_name}")
    share_cards.render(share(shown, selection.category), whole, formats)


def _chart(
    shown: Snapshot, earlier: Earlier | None, history: History | None, selection: Selection, formats: Formats
) -> None:
    explanation = "band: 95% interval; dashed: still counting"
    style.heading("CTR over time", explanation + ("; grey: " + earlier.compare.value if earlier else ""))
    ends = shown.windows[0].start_seconds, shown.windows[-1].start_seconds + FIVE_MINUTES
    points = series.ctr_points(shown, selection.range_seconds, selection.category)
    before = series.earlier_points(earlier, selection.category) if earlier else []
    name = earlier.compare.value if earlier else ""
    found = marks.chart_marks(history, *ends, shown.read_at_seconds, formats)
    ctr_chart.render(points, before, name, found, ends, formats)
    mark_list.render(found, known=history is not None)
    series_file.render(shown, earlier, selection.category, f"ctr-{_file_part(selection)}.csv")


def _campaigns(shown: Snapshot, selection: Selection, formats: Formats) -> None:
    campaigns = ranking.campaigns(shown.cells, selection.category)
    best, worst = st.columns(2)
    with best:
        style.heading("Top campaigns", "sorted by the lower end of the 95% interval; select one")
        podium.render(campaigns, "top", formats)
    with worst:
        style.heading("Bottom campaigns", "sorted by the upper end of the 95% interval; select one")
        podium.render(ranking.worst_first(campaigns), "bottom", formats)
    style.heading(
        "All campaigns",
        "select a row to see that campaign; click a column to sort; the magnifier above the table searches",
    )
    campaign_table.render(campaigns, f"campaigns-{_file_part(selection)}.csv")


def _file_part(selection: Selection) -> str:
    return f"last-{selection.range_name.replace(' ', '')}"
