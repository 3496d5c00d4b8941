"""Days and weeks, from the marts alone. Streamlit serves it beside `app.py`, as ``/history``."""

from __future__ import annotations

import logging
import time
from html import escape

import streamlit as st

from dashboards.business.components import category_table, mart_charts, mover_table, notice_box, style
from dashboards.business.snapshot import Unavailable
from dashboards.business.source import shared_marts
from dashboards.business.view.formats import Formats
from dashboards.business.view.freshness import Notice, Tone
from dashboards.business.view.movers import movers
from dashboards.business.view.ranking import Row, best_first
from dashboards.business.view.rate import rate_of, total
from pipeline.contract.dashboard_page import read_at_attribute
from pipeline.store.marts import DIMENSIONS, Grain, Marts

DAY_SECONDS = 86_400
PERIODS_SECONDS = {"1 week": 7 * DAY_SECONDS, "4 weeks": 28 * DAY_SECONDS, "12 weeks": 84 * DAY_SECONDS}
MAKES_MARTS = "make warehouse"

log = logging.getLogger("adctr.dashboard")


def main() -> None:
    st.set_page_config(page_title="Ad performance, history", page_icon="📈", layout="wide")
    style.render()
    st.html(
        '<div class="adctr-head"><h1 class="adctr-title">Ad performance</h1>'
        '<span class="adctr-sub">days and weeks</span></div>'
    )
    st.page_link("app.py", label="Live", icon=":material/monitoring:")
    periods, grains, _ = st.columns([1.4, 1, 2])
    period = periods.segmented_control(
        "Time range", list(PERIODS_SECONDS), default="1 week", required=True, key="range", bind="query-params"
    )
    grain = grains.segmented_control(
        "A point is a", [each.value for each in Grain], default=Grain.DAY, required=True, key="by", bind="query-params"
    )
    formats = Formats.of(st.context.locale, st.context.timezone)
    try:
        _draw(shared_marts(PERIODS_SECONDS[period], Grain(grain)), period, formats)
    except Exception:
        log.exception("the page could not be drawn")
        notice_box.render(Notice(Tone.WARNING, "This page could not be drawn.", "The dashboard's log says why."))


def _draw(found: Marts | Unavailable | None, period: str, formats: Formats) -> None:
    if isinstance(found, Unavailable):
        text = "The live page may still have figures, from Redis. Reload this one later."
        notice_box.render(Notice(Tone.WARNING, "PostgreSQL does not answer.", text))
    elif found is None:
        text = f"`{MAKES_MARTS}` builds it from the hours that PostgreSQL holds. Run it again for newer hours."
        notice_box.render(Notice(Tone.INFO, "There is no history yet.", text))
    else:
        _figures(found, period, formats)


def _figures(marts: Marts, period: str, formats: Formats) -> None:
    until, built_at = (formats.moment(each) for each in (marts.complete_until_seconds, marts.built_at_seconds))
    st.html(
        f'<div class="adctr-fresh" {read_at_attribute(time.time())}><span>Hours until {escape(until)} '
        f'({escape(formats.zone_name)})</span><span class="faint">built {escape(built_at)} by {MAKES_MARTS}</span>'
        '<span class="faint">days, weeks and hours of day are those of UTC</span></div>'
    )
    for dimension in DIMENSIONS:
        points = marts.points[dimension]
        style.heading(f"By {dimension}", f"{period}, sorted by the lower end of the 95% interval")
        chart, table = st.columns([1.2, 1])
        with chart:
            mart_charts.lines(points, dimension.capitalize(), f"lines-{dimension}", formats)
        with table:
            names = sorted({name for _, name in points})
            sums = {name: total(counts for (_, each), counts in points.items() if each == name) for name in names}
            rows = best_first(Row(name, counts, rate_of(counts)) for name, counts in sums.items())
            category_table.render(rows, formats, dimension.capitalize(), key=f"table-{dimension}")
    style.heading("Hours and weekdays", f"CTR by hour of day (UTC) and weekday, {period}")
    mart_charts.heat_map(marts.hours, formats)
    for column, sign, word in zip(st.columns(2), (1, -1), ("up", "down"), strict=True):
        with column:
            explanation = f"CTR against the {period} before; without changes that may be chance"
            style.heading(f"Top movers, {word}", explanation)
            mover_table.render(movers(marts.campaigns, sign), formats)


main()
