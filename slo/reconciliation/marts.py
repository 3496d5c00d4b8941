"""Compares the marts, where there are any, with what `realtime` holds: cell by cell, by one statement."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from psycopg2 import extensions

from pipeline.contract.cache_schema import CANARY_PREFIX, Counts
from pipeline.contract.rules import MAX_AHEAD_MS
from slo.reconciliation.compare import Difference

STORE = "warehouse"
_HOUR_SECONDS = 3600
_EXIST = (
    "SELECT bool_and(to_regclass('warehouse.' || mart) IS NOT NULL) FROM "
    "unnest(ARRAY['last_build', 'campaigns_hourly', 'placements_hourly', 'devices_hourly']) AS mart"
)
# Hours that were final at the last build, that are held as a whole, and that no replay or recount has changed since.
_COMPARE = """
WITH kept AS (
    SELECT coalesce(max(kept_from) FILTER (WHERE table_name = 'metrics_1min'), '-infinity') AS windows_from,
        coalesce(max(kept_from) FILTER (WHERE table_name = 'raw_events'), '-infinity')
            + %(ahead)s * interval '1 millisecond' AS events_from
    FROM realtime.retention
), events AS (
    SELECT date_trunc('hour', event_time, 'UTC') AS hour_start, placement, device,
        count(*) FILTER (WHERE event_type = 'IMPRESSION') AS impressions,
        count(*) FILTER (WHERE event_type = 'CLICK') AS clicks
    FROM realtime.raw_events, kept
    WHERE NOT late AND NOT starts_with(category, %(canary)s) AND event_time >= events_from
    GROUP BY 1, 2, 3
), realtime AS (
    SELECT 'campaigns_hourly' AS mart, date_trunc('hour', window_start, 'UTC') AS hour_start, campaign_id AS name,
        category, sum(coalesce(recounted_impressions, impressions)) AS impressions,
        sum(coalesce(recounted_clicks, clicks)) AS clicks
    FROM realtime.metrics_1min WHERE NOT starts_with(category, %(canary)s) GROUP BY 1, 2, 3, 4
    UNION ALL
    SELECT 'placements_hourly', hour_start, placement, '', sum(impressions), sum(clicks) FROM events GROUP BY 1, 2, 3
    UNION ALL
    SELECT 'devices_hourly', hour_start, device, '', sum(impressions), sum(clicks) FROM events GROUP BY 1, 2, 3
), marts AS (
    SELECT 'campaigns_hourly' AS mart, hour_start, campaign_id AS name, category, impressions, clicks
    FROM warehouse.campaigns_hourly
    UNION ALL
    SELECT 'placements_hourly', hour_start, placement, '', impressions, clicks FROM warehouse.placements_hourly
    -- An hour whose only events are late is in no window.
    WHERE impressions + clicks > 0
    UNION ALL
    SELECT 'devices_hourly', hour_start, device, '', impressions, clicks FROM warehouse.devices_hourly
    WHERE impressions + clicks > 0
), repaired AS (
    SELECT revision, date_trunc('hour', to_timestamp((event->>'event_time')::bigint / 1000.0), 'UTC') AS hour_start
    FROM realtime.replayed_events
    UNION ALL
    SELECT revision, generate_series(date_trunc('hour', from_time, 'UTC'), to_time, '1 hour') FROM realtime.recounts
)
SELECT mart, extract(epoch FROM hour_start)::bigint,
    jsonb_agg(jsonb_build_array(name, category, realtime.impressions, realtime.clicks, marts.impressions, marts.clicks))
        FILTER (WHERE (realtime.impressions, realtime.clicks) IS DISTINCT FROM (marts.impressions, marts.clicks))
FROM realtime FULL JOIN marts USING (mart, hour_start, name, category), kept, warehouse.last_build AS build
WHERE hour_start >= CASE mart WHEN 'campaigns_hourly' THEN windows_from ELSE events_from END
    AND hour_start < build.final_until
    AND hour_start NOT IN (SELECT hour_start FROM repaired WHERE repaired.revision > build.revision)
GROUP BY 1, 2 ORDER BY 2, 1
"""


@dataclass(frozen=True)
class ComparedMarts:
    """``hours`` are those compared, by mart."""

    hours: dict[str, int]
    differences: list[Difference]


def compare_marts(connection: extensions.connection) -> ComparedMarts:
    """Nothing where no build has ever passed. Raises psycopg2.Error."""
    found = ComparedMarts({}, [])
    with connection.cursor() as cursor:
        cursor.execute(_EXIST)
        if cursor.fetchone() != (True,):
            return found
        cursor.execute(_COMPARE, {"ahead": MAX_AHEAD_MS, "canary": CANARY_PREFIX})
        for mart, hour, cells in cursor:
            store = f"{STORE}.{mart}"
            found.hours[store] = found.hours.get(store, 0) + 1
            found.differences.extend(_differences(store, hour, cells or ()))
    return found


def _differences(store: str, hour: int, cells: Any) -> Iterator[Difference]:
    for name, category, *counts in cells:
        expected, got = (Counts(*pair) if pair[0] is not None else None for pair in (counts[:2], counts[2:]))
        what = "missing" if got is None else "unexpected" if expected is None else "different"
        # Placements and devices are no campaigns.
        where = {"campaign_id": name, "category": category} if category else {}
        what = what if category else f"{what}: {name!r}"
        yield Difference(store, what, expected, got, _HOUR_SECONDS, hour, **where)
