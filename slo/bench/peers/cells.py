"""Writing cells to Redis, which no peer's framework brings along in this layout."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from pipeline.cache.cache_access import CacheUser, patient_client
from pipeline.contract.cache_schema import cell_field, cells_key, expires_at_seconds
from pipeline.settings import Settings

Change = tuple[int, int, str, str, int, int]
"""(window size in seconds, window start in seconds, campaign_id, category, impressions, clicks): absolute counts."""


class CellWriter:
    """One pipeline per batch of changes, one HSET per window."""

    def __init__(self, settings: Settings) -> None:
        self._retention_seconds = settings.cache_retention_seconds
        self._client = patient_client(settings, CacheUser.ADMIN)

    def write(self, changes: Iterable[Change]) -> None:
        """Of several changes of a cell the last one stays. Raises redis.RedisError."""
        hashes: defaultdict[tuple[int, int], dict[bytes, str]] = defaultdict(dict)
        for size, start, campaign, category, impressions, clicks in changes:
            hashes[size, start][cell_field(campaign, category)] = f"{impressions} {clicks}"
        pipe = self._client.pipeline(transaction=False)
        for (size, start), cells in hashes.items():
            pipe.hset(cells_key(size, start), mapping=cells)  # type: ignore[arg-type]
            pipe.expireat(cells_key(size, start), expires_at_seconds(size, start, self._retention_seconds))
        pipe.execute()

    def close(self) -> None:
        """Ends the connection."""
        self._client.close()
