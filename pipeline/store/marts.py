"""The marts that dbt builds (`pipeline/warehouse`), as the page History asks for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from psycopg2 import extensions, sql

from pipeline.contract.cache_schema import Counts


class Grain(StrEnum):
    """What a point of a line holds; ISO weeks begin on Monday, days at midnight UTC."""

    DAY = "day"
    WEEK = "week"


DIMENSIONS = {"placement": "placements_hourly", "device": "devices_hourly", "category": "campaigns_hourly"}
"""What figures are split by, and the mart that does so."""


@dataclass(frozen=True)
class Marts:
    """A range that ends with the last hour of the newest build; times are Unix seconds.

    ``points``: by dimension, the counts by start of the day or week and name. ``hours``: by weekday (1 is Monday) and
    hour of day. ``campaigns``: the counts of the range, and of as long before it.
    """

    complete_until_seconds: float
    built_at_seconds: float
    points: Mapping[str, Mapping[tuple[int, str], Counts]]
    hours: Mapping[tuple[int, int], Counts]
    campaigns: Mapping[str, tuple[Counts, Counts]]


_EXISTS = "SELECT to_regclass('warehouse.last_build') IS NOT NULL"
_BUILD = (
    "SELECT extract(epoch FROM complete_until)::float8, extract(epoch FROM built_at)::float8 "
    "FROM warehouse.last_build WHERE complete_until IS NOT NULL"
)
_POINTS = sql.SQL(
    "SELECT extract(epoch FROM date_trunc(%(grain)s, hour_start, 'UTC'))::bigint, {name}, sum(impressions)::bigint, "
    "sum(clicks)::bigint FROM warehouse.{mart} "
    "WHERE hour_start >= to_timestamp(%(from)s) AND hour_start < to_timestamp(%(until)s) GROUP BY 1, 2 ORDER BY 1, 2"
)
_HOURS = (
    "SELECT weekday, hour_of_day, sum(impressions)::bigint, sum(clicks)::bigint FROM warehouse.hours "
    "WHERE hour_start >= to_timestamp(%(from)s) AND hour_start < to_timestamp(%(until)s) GROUP BY 1, 2"
)
_CAMPAIGNS = """
SELECT campaign_id,
    coalesce(sum(impressions) FILTER (WHERE hour_start >= to_timestamp(%(from)s)), 0)::bigint,
    coalesce(sum(clicks) FILTER (WHERE hour_start >= to_timestamp(%(from)s)), 0)::bigint,
    coalesce(sum(impressions) FILTER (WHERE hour_start < to_timestamp(%(from)s)), 0)::bigint,
    coalesce(sum(clicks) FILTER (WHERE hour_start < to_timestamp(%(from)s)), 0)::bigint
FROM warehouse.campaigns_hourly
WHERE hour_start >= to_timestamp(%(before)s) AND hour_start < to_timestamp(%(until)s) GROUP BY 1
"""


def read_marts(connection: extensions.connection, range_seconds: int, grain: Grain) -> Marts | None:
    """None where no build has passed yet. Raises psycopg2.Error."""
    with connection.cursor() as cursor:
        cursor.execute(_EXISTS)
        if cursor.fetchone() != (True,):
            return None
        cursor.execute(_BUILD)
        build = cursor.fetchone()
        if build is None:
            return None
        until, built_at = build
        values = {"from": until - range_seconds, "until": until, "before": until - 2 * range_seconds, "grain": grain}
        points = {}
        for name, mart in DIMENSIONS.items():
            cursor.execute(_POINTS.format(name=sql.Identifier(name), mart=sql.Identifier(mart)), values)
            points[name] = {(start, each): Counts(*counts) for start, each, *counts in cursor}
        cursor.execute(_HOURS, values)
        hours = {(weekday, hour): Counts(*counts) for weekday, hour, *counts in cursor}
        cursor.execute(_CAMPAIGNS, values)
        campaigns = {row[0]: (Counts(*row[1:3]), Counts(*row[3:5])) for row in cursor}
        return Marts(until, built_at, points, hours, campaigns)
