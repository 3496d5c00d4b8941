"""Reads the cells of some windows from Redis, as cheaply for Redis as can be.

A window's sums per category change with its cells, in one script, and are few. So a poll reads the sums, and then the
cells of those windows alone whose sums have changed: a hundred thousand cells take Redis tens of milliseconds, in which
it answers nobody else.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import redis

from pipeline.contract.cache_schema import (
    categories_key,
    cell_field,
    cells_key,
    complete_key,
    is_canary,
    parse_cell_field,
    parse_counts,
)
from pipeline.settings import Settings
from slo.latency.sample import Cell
from slo.latency.sightings import CellKey
from slo.probes.clients import redis_client

Hash = dict[bytes, bytes]


class CacheIncomplete(redis.RedisError):
    """Redis has lost data and is being restored: readers go elsewhere, so nothing is visible in it."""


class CellReader:
    """One connection. Every read raises redis.RedisError where Redis does not answer; none is repeated.

    With ``complete_only`` they also raise it where Redis is not complete, as readers then don't look at it. With
    ``cells`` those alone are read; with ``cells_alone`` sums are left alone and all cells are read every time: of
    writers, some of which write no sums, each is then looked at in the same way.
    """

    def __init__(
        self,
        settings: Settings,
        size_seconds: int,
        *,
        complete_only: bool = False,
        cells: Sequence[Cell] | None = None,
        cells_alone: bool = False,
    ) -> None:
        self._size = size_seconds
        self._fields = None if cells is None else [cell_field(*cell) for cell in cells]
        self._complete_only = complete_only
        self._cells_alone = cells_alone
        self._client = redis_client(settings)
        self._sums: dict[int, Hash] = {}
        self._cells: dict[int, Hash] = {}

    def read(self, windows: Sequence[int]) -> tuple[float, list[tuple[CellKey, int]]]:
        """When the answer was there (unix seconds), and the counts that changed since the last read of their window.

        ``windows`` are starts in unix seconds. Canaries are left out.
        """
        sums: list[Hash] = [{}] * len(windows)
        if not self._cells_alone:
            sums = self._hashes([categories_key(self._size, start) for start in windows])
        # A writer of cells only (a peer in a benchmark) has no sums to compare.
        touched = {
            start: found
            for start, found in zip(windows, sums, strict=True)
            if not found or found != self._sums.get(start)
        }
        cells = self._hashes([cells_key(self._size, start) for start in touched], self._fields)
        at = time.time()
        changed = [row for start, found in zip(touched, cells, strict=True) for row in self._changes(start, found)]
        self._sums.update(touched)
        for start in self._sums.keys() - set(windows):
            del self._sums[start], self._cells[start]
        return at, changed

    def _hashes(self, keys: Sequence[str], fields: Sequence[bytes] | None = None) -> list[Hash]:
        """As they are at one instant, of ``fields`` those that exist. Raises CacheIncomplete, redis.RedisError."""
        if not keys:
            return []
        with self._client.pipeline(transaction=True) as pipe:
            pipe.exists(complete_key())
            for key in keys:
                if fields is None:
                    pipe.hgetall(key)
                else:
                    pipe.hmget(key, fields)
            complete, *replies = pipe.execute()
        if self._complete_only and not complete:
            raise CacheIncomplete("Redis is not complete: it is being restored")
        if fields is None:
            return replies
        return [
            {name: value for name, value in zip(fields, reply, strict=True) if value is not None} for reply in replies
        ]

    def _changes(self, start: int, cells: Hash) -> Iterator[tuple[CellKey, int]]:
        last = self._cells.get(start, {})
        self._cells[start] = cells
        for field, value in cells.items():
            if last.get(field) != value:
                campaign, category = parse_cell_field(field)
                if not is_canary(category):
                    yield (start, campaign, category), parse_counts(value).total

    def close(self) -> None:
        """Ends the connection."""
        self._client.close()
