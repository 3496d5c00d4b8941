"""Counting in event-time tumbling windows.

Legacy group windows, because they are the only ones that both fire early (a live value within a second) and keep their
state by event time. ``docs/decisions/0002-windows.md`` has the alternatives and what each gets silently wrong.
"""

from __future__ import annotations

from pipeline.contract.windows import WINDOW_NAMES
from pipeline.settings import Settings
from pipeline.source import EVENTS, is_counted

STORE_EARLY_FIRE_MILLISECONDS = 1_000
"""PostgreSQL's objective is seconds, and each firing is a row written."""


COMBINED = "combined_events"
"""The view that the windows count: see `counted_events` and ``adctr.flink.CombineOperator``."""


def counted_events(settings: Settings) -> str:
    """Query of the events that count, in the columns that are combined before they go to the windows."""
    return f"""
        SELECT `event_time`, `campaign_id`, `category`, `event_type` = 'CLICK' AS `click`
        FROM {EVENTS}
        WHERE {is_counted(settings)}
    """


def window_view(size_seconds: int) -> str:
    """DDL of view ``windows_<name>``: window_start TIMESTAMP(3) in UTC, campaign_id, category, impressions, clicks."""
    tumble = f"`event_time`, INTERVAL '{size_seconds // 60}' MINUTE"
    return f"""
        CREATE TEMPORARY VIEW windows_{WINDOW_NAMES[size_seconds]} AS
        SELECT
          TUMBLE_START({tumble}) AS `window_start`,
          `campaign_id`,
          `category`,
          SUM(`impressions`) AS `impressions`,
          SUM(`clicks`) AS `clicks`
        FROM {COMBINED}
        GROUP BY TUMBLE({tumble}), `campaign_id`, `category`
    """


def window_options(settings: Settings, early_fire_milliseconds: int) -> dict[str, str]:
    """Flink options: fire early, keep each window until nothing that counts can still come, fire at once for those.

    The late-fire delay has to be 0: a delayed one is discarded, uncounted, when the watermark jumps past the
    window's clean-up. No ``table.exec.state.ttl``: it runs by the wall clock and forgets windows during an outage.
    """
    return {
        "table.exec.emit.early-fire.enabled": "true",
        "table.exec.emit.early-fire.delay": f"{early_fire_milliseconds} ms",
        "table.exec.emit.late-fire.enabled": "true",
        "table.exec.emit.late-fire.delay": "0 ms",
        "table.exec.emit.allow-lateness": f"{settings.final_after_seconds} s",
        "table.local-time-zone": "UTC",
        "table.exec.sink.upsert-materialize": "NONE",
    }
