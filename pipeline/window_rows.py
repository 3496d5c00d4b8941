"""The rows of windows, as the jobs' views give them and their sinks take them: columns of Flink SQL."""

from __future__ import annotations

WINDOW_COLUMNS = [
    "`window_start` TIMESTAMP(3)",
    "`campaign_id` STRING",
    "`category` STRING",
    "`impressions` BIGINT",
    "`clicks` BIGINT",
]
WINDOW_KEY = "`window_start`, `campaign_id`, `category`"
