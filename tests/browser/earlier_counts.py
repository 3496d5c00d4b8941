"""Counts of hours ago, written into PostgreSQL as the store job would have written them: what a page compares with."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing

from pipeline.settings import Settings
from pipeline.store.db_connector import connect_owner

CAMPAIGNS, CATEGORIES = 20, 4
HOUR = 3600
_INSERT = """
INSERT INTO realtime.metrics_{name} (window_start, campaign_id, category, impressions, clicks)
SELECT to_timestamp(w), 'old-' || lpad(c::text, 4, '0'), 'category-' || c %% %(categories)s,
    %(per_window)s + c * 7, (%(per_window)s + c * 7) * (1 + c %% 5) / 50
FROM generate_series(%(first)s, %(end)s - %(size)s, %(size)s) w, generate_series(0, %(campaigns)s - 1) c
ON CONFLICT DO NOTHING
"""


Span = tuple[str, int, int, int]
"""The table's suffix, its windows' seconds, the first window's start and the end, unix seconds."""


def write_earlier_counts(settings: Settings) -> None:
    """The last seven hours but for what Redis keeps, and the same of yesterday with the minutes around now."""
    now, kept = _now(), settings.cache_retention_seconds + 900
    spans = (("5min", 300, now - 7 * HOUR, now - kept), ("5min", 300, now - 31 * HOUR, now - 23 * HOUR),
             ("1min", 60, now - 24 * HOUR, now - 23 * HOUR))  # fmt: skip
    _write(settings, spans, CAMPAIGNS)


def write_two_days(settings: Settings, campaigns: int) -> None:
    """Up to now, for a page whose data does not grow while it is watched: an hour that leaves its range was full."""
    now = _now()
    _write(settings, (("5min", 300, now - 49 * HOUR, now), ("1min", 60, now - 2 * HOUR, now)), campaigns)


def _now() -> int:
    return int(time.time()) // 300 * 300


def _write(settings: Settings, spans: Sequence[Span], campaigns: int) -> None:
    with closing(connect_owner(settings)) as owner, owner, owner.cursor() as cursor:
        for name, size, first, end in spans:
            cursor.execute(
                _INSERT.format(name=name),
                {"first": first, "end": end, "size": size, "campaigns": campaigns, "categories": CATEGORIES,
                 "per_window": 2 * size},
            )  # fmt: skip
