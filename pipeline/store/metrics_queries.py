"""The read API's questions as SQL over the metrics tables. Each is one statement, so the watermark fits the counts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from psycopg2 import sql

from pipeline.contract.cache_schema import CANARY_PREFIX
from pipeline.contract.windows import WINDOW_NAMES
from pipeline.read_results import Order, Ranking
from pipeline.settings import WINDOW_SIZES_SECONDS

METRICS_TABLES = {size: f"metrics_{name}" for size, name in WINDOW_NAMES.items()}
_HELD = {
    "impressions": sql.SQL("coalesce(recounted_impressions, impressions)"),
    "clicks": sql.SQL("coalesce(recounted_clicks, clicks)"),
}
"""What holds: the recounted value where there is one, whatever a job writes after it."""


@dataclass(frozen=True)
class Query:
    """A statement and its arguments; the first column of every row is the watermark, the others may be null."""

    statement: sql.Composable
    arguments: tuple[Any, ...]


@dataclass(frozen=True)
class WindowRange:
    """Windows of one size that start at or after ``first`` and before ``end`` (seconds since the epoch)."""

    size_seconds: int
    first: int
    end: int

    @property
    def starts(self) -> range:
        """The start of every window."""
        return range(self.first, self.end, self.size_seconds)


def windows_of(from_seconds: int, to_seconds: int, size_seconds: int | None) -> WindowRange:
    """The windows that overlap a range; without a size the larger ones where they cover it exactly."""
    if size_seconds is None:
        size_seconds = max(WINDOW_SIZES_SECONDS)
        if from_seconds % size_seconds or to_seconds % size_seconds:
            size_seconds = min(WINDOW_SIZES_SECONDS)
    if size_seconds not in WINDOW_SIZES_SECONDS:
        raise ValueError(f"size_seconds={size_seconds}: allowed are {', '.join(map(str, WINDOW_SIZES_SECONDS))}")
    if to_seconds <= from_seconds:
        raise ValueError(f"to_seconds={to_seconds}: must be greater than from_seconds={from_seconds}")
    return WindowRange(size_seconds, from_seconds // size_seconds * size_seconds, to_seconds)


def series_query(windows: WindowRange, campaign_id: str | None, category: str | None) -> Query:
    """(watermark, window start in seconds, impressions, clicks) per window that holds anything."""
    where, arguments = _conditions(windows, campaign_id, category)
    return _with_watermark(
        windows,
        sql.SQL(
            "SELECT extract(epoch FROM window_start)::bigint, sum({impressions})::bigint, sum({clicks})::bigint "
            "FROM realtime.{} WHERE {} GROUP BY window_start"
        ).format(_table(windows), where, **_HELD),
        arguments,
    )


def categories_query(windows: WindowRange) -> Query:
    """(watermark, category, impressions, clicks) per category."""
    where, arguments = _conditions(windows, None, None)
    return _with_watermark(
        windows,
        sql.SQL(
            "SELECT category, sum({impressions})::bigint, sum({clicks})::bigint FROM realtime.{} WHERE {} "
            "GROUP BY category"
        ).format(_table(windows), where, **_HELD),
        arguments,
    )


_ORDERS = {
    Order.IMPRESSIONS: sql.SQL("sum({impressions})").format(**_HELD),
    Order.CLICKS: sql.SQL("sum({clicks})").format(**_HELD),
    Order.CTR: sql.SQL("sum({clicks})::double precision / sum({impressions})").format(**_HELD),
}


def campaigns_query(windows: WindowRange, category: str | None, ranking: Ranking) -> Query:
    """(watermark, campaign, impressions, clicks), best first, ties by name."""
    where, arguments = _conditions(windows, None, category)
    return _with_watermark(
        windows,
        sql.SQL(
            "SELECT campaign_id, sum({impressions})::bigint, sum({clicks})::bigint FROM realtime.{} "
            "WHERE {} GROUP BY campaign_id HAVING sum({impressions}) >= %s "
            "ORDER BY {} {}, campaign_id LIMIT %s"
        ).format(
            _table(windows),
            where,
            _ORDERS[ranking.order],
            sql.SQL("ASC" if ranking.lowest else "DESC"),
            **_HELD,
        ),
        (*arguments, ranking.least_impressions, ranking.limit),
    )


def breakdown_query(windows: WindowRange, campaign_id: str | None, *, campaigns: bool) -> Query:
    """(watermark, category, window start in seconds, campaign, impressions, clicks): a row per window and category,
    with a null campaign, and if ``campaigns`` one per campaign and category, with a null start. Both from one scan.
    """
    where, arguments = _conditions(windows, campaign_id, None)
    sets = sql.SQL("(window_start, category), (campaign_id, category)" if campaigns else "(window_start, category)")
    # Without the second set a query that names campaign_id would have to group by it.
    campaign = sql.SQL("campaign_id" if campaigns else "NULL::text")
    return _with_watermark(
        windows,
        sql.SQL(
            "SELECT category, extract(epoch FROM window_start)::bigint, {}, sum({impressions})::bigint, "
            "sum({clicks})::bigint FROM realtime.{} WHERE {} "
            "GROUP BY GROUPING SETS ({})"
        ).format(campaign, _table(windows), where, sets, **_HELD),
        arguments,
    )


def _table(windows: WindowRange) -> sql.Identifier:
    return sql.Identifier(METRICS_TABLES[windows.size_seconds])


def _conditions(
    windows: WindowRange, campaign_id: str | None, category: str | None
) -> tuple[sql.Composable, tuple[Any, ...]]:
    parts: list[sql.Composable] = [sql.SQL("window_start >= %s AND window_start < %s")]
    arguments: list[Any] = [datetime.fromtimestamp(seconds, UTC) for seconds in (windows.first, windows.end)]
    parts.append(sql.SQL("NOT starts_with(category, {})").format(sql.Literal(CANARY_PREFIX)))
    named: Iterable[tuple[str, str | None]] = (("campaign_id", campaign_id), ("category", category))
    for column, value in named:
        if value is not None:
            parts.append(sql.SQL("{} = %s").format(sql.Identifier(column)))
            arguments.append(value)
    return sql.SQL(" AND ").join(parts), tuple(arguments)


def _with_watermark(windows: WindowRange, query: sql.Composable, arguments: tuple[Any, ...]) -> Query:
    """Puts the watermark before each row; a query without rows still gives one, of nulls."""
    statement = sql.SQL(
        "SELECT w.watermark_ms, q.* FROM (SELECT max(watermark_ms) AS watermark_ms FROM realtime.watermarks "
        "WHERE job = {}) w LEFT JOIN ({}) q ON true"
    ).format(sql.Literal(f"store-{windows.size_seconds}"), query)
    return Query(statement, arguments)
