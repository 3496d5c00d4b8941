"""Writes windows into Redis from PostgreSQL: what a recount found, or what Redis has lost."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import redis

from pipeline.cache.cache_access import CacheUser, impatient_client
from pipeline.contract.cache_schema import (
    RAISE_COUNTS,
    RAISE_WATERMARK,
    Counts,
    cell_field,
    raise_counts_keys,
    watermark_key,
)
from pipeline.settings import Settings

TIMEOUT_SECONDS = 5.0
CELLS_PER_CALL = 1_000
"""ARGV is unpacked on Redis's side, and nobody else is served meanwhile."""

CellCounts = Mapping[tuple[str, str], Counts]
"""Per (campaign_id, category)."""


def writer_client(settings: Settings) -> redis.Redis:
    """A client of the user that the scripts here need; raises redis.RedisError at once where a command fails."""
    return impatient_client(
        settings, CacheUser.WRITER, connect_timeout_seconds=TIMEOUT_SECONDS, timeout_seconds=TIMEOUT_SECONDS
    )


class CacheWriter:
    """Raises windows; a value that is there never falls."""

    def __init__(self, client: redis.Redis, retention_seconds: int) -> None:
        self._script = client.register_script(RAISE_COUNTS)
        self._watermark_script = client.register_script(RAISE_WATERMARK)
        self._retention_seconds = retention_seconds

    def raise_watermark(self, size_seconds: int, watermark_ms: int) -> None:
        """After what it promises has been written. Raises redis.RedisError."""
        self._watermark_script(keys=[watermark_key(size_seconds)], args=[watermark_ms])

    def raise_window(self, size_seconds: int, start_seconds: int, cells: CellCounts, revision: int = 0) -> bool:
        """Raises cells of one window to a revision's counts; False if it has gone. Raises redis.RedisError."""
        keys = raise_counts_keys(size_seconds, start_seconds)
        kept = True
        rest = iter(cells.items())
        while some := list(itertools.islice(rest, CELLS_PER_CALL)):
            arguments: list[bytes | str | int] = [start_seconds + size_seconds, self._retention_seconds, revision]
            for (campaign_id, category), counts in some:
                arguments += [cell_field(campaign_id, category), category, counts.impressions, counts.clicks]
            kept = bool(self._script(keys=keys, args=arguments)) and kept
        return kept
