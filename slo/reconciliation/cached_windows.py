"""Reads Redis window by window into the shapes that ``compare`` takes, with the time at which each is to expire."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import redis

from pipeline.cache.cache_access import CacheUser, patient_client
from pipeline.contract.cache_schema import (
    RETENTION_FIELDS,
    WINDOW_PATTERN,
    Retention,
    categories_key,
    cells_key,
    complete_key,
    parse_cell_field,
    parse_counts,
    parse_window_key,
    retention_key,
    watermark_key,
)
from pipeline.settings import WINDOW_SIZES_SECONDS, Settings
from slo.reconciliation.compare import Difference
from slo.reconciliation.tally import CellCounts

_REDIS_TIMEOUT_SECONDS = 30.0
_EXPIRY_MARGIN_SECONDS = 5
_NO_KEY = -2
"""What PTTL says of a key that is not there; -1 of one that never expires."""


class RedisUnavailable(ConnectionError):
    """Redis doesn't answer; the message names the address."""


@dataclass(frozen=True)
class CachedWindow:
    """Both hashes of one window as they were at one instant; None for a key that didn't exist."""

    cells: CellCounts | None
    categories: CellCounts | None
    kept: bool
    """Whether the window can't have expired yet: a missing key is then a difference."""
    let_go: bool
    """Whether it would be kept, had memory not been short."""
    expiries: tuple[Expiry, ...]
    """When the keys go that are there."""


@dataclass(frozen=True)
class Expiry:
    """When a key of a window goes and when it should, in seconds after the window's end; None: never."""

    hash: str
    """``cells`` or ``categories``."""
    got: int | None
    least: int
    most: int
    """The retention in force and the longest one: while memory is short a window may still have that from before."""

    @property
    def right(self) -> bool:
        """Whether it is what it should be, to a second: two clocks of Redis are compared."""
        return self.got is not None and self.least - 1 <= self.got <= self.most + 1


class Cache:
    """Redis, read with patience: no probe times this."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client = patient_client(
            settings, CacheUser.READER, timeout_seconds=_REDIS_TIMEOUT_SECONDS, legacy_responses=False
        )

    def close(self) -> None:
        """Gives the connection back."""
        self._client.close()

    def complete(self) -> bool:
        """Whether Redis says that it holds every window. Raises RedisUnavailable."""
        with self._answering():
            return bool(self._client.exists(complete_key()))

    def watermarks(self) -> dict[int, int | None]:
        """What the live job has published for each window size, as `watermarks`. Raises RedisUnavailable."""
        with self._answering():
            published = self._client.mget([watermark_key(size) for size in WINDOW_SIZES_SECONDS])
        marks = (None if mark is None else int(mark) for mark in published)
        return dict(zip(WINDOW_SIZES_SECONDS, marks, strict=True))

    def windows(self) -> tuple[set[tuple[int, int]], list[str]]:
        """(size, start) of every window that has a key, and the keys that look so and are of no window.

        Raises RedisUnavailable.
        """
        with self._answering():
            keys = set(self._client.scan_iter(match=WINDOW_PATTERN, count=1000))
        found = {key: window for key in keys if (window := _window_of(key))}
        return set(found.values()), sorted(key.decode(errors="backslashreplace") for key in keys - found.keys())

    def window(self, size_seconds: int, start_seconds: int) -> CachedWindow:
        """One window. Raises RedisUnavailable, ValueError for a field or value that breaks the key schema."""
        with self._answering(), self._client.pipeline(transaction=True) as pipe:
            pipe.hgetall(cells_key(size_seconds, start_seconds))
            pipe.hgetall(categories_key(size_seconds, start_seconds))
            pipe.pttl(cells_key(size_seconds, start_seconds))
            pipe.pttl(categories_key(size_seconds, start_seconds))
            pipe.time()
            pipe.hmget(retention_key(), RETENTION_FIELDS)
            cells, categories, *left_ms, (now, microseconds), stored = pipe.execute()
        setting = Retention(self._settings.cache_retention_seconds)
        retention = Retention.of(stored, setting.seconds)
        # A window that is not final is let go by no rule, whatever the key says.
        needed = Retention(self._settings.final_after_seconds)
        at = now + _EXPIRY_MARGIN_SECONDS
        since_end_ms = (now - start_seconds - size_seconds) * 1000 + microseconds // 1000
        kept = any(each.holds(size_seconds, start_seconds, at) for each in (retention, needed))
        return CachedWindow(
            {parse_cell_field(key): parse_counts(value) for key, value in cells.items()} or None,
            {("", key.decode()): parse_counts(value) for key, value in categories.items()} or None,
            kept=kept,
            let_go=not kept and setting.holds(size_seconds, start_seconds, at),
            expiries=tuple(
                Expiry(
                    name, round((since_end_ms + left) / 1000) if left >= 0 else None, retention.seconds, setting.seconds
                )
                for name, left in zip(("cells", "categories"), left_ms, strict=True)
                if left != _NO_KEY
            ),
        )

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except redis.RedisError as error:
            where = f"{self._settings.redis_host}:{self._settings.redis_port}"
            raise RedisUnavailable(f"Redis at {where} doesn't answer: {error}") from error


def compare_expiries(size_seconds: int, start_seconds: int, window: CachedWindow) -> Iterator[Difference]:
    """The keys of a window that go at another time than they should, or never."""
    for expiry in window.expiries:
        if not expiry.right:
            least, most, got = (
                None if seconds is None else f"{seconds} s after the window's end"
                for seconds in (expiry.least, expiry.most, expiry.got)
            )
            yield Difference(
                f"redis.{expiry.hash}.{size_seconds}",
                "expiry",
                least if least == most else f"{least}, {expiry.most} s at most",
                got or "never",
                window_seconds=size_seconds,
                window_start_seconds=start_seconds,
            )


def _window_of(key: bytes) -> tuple[int, int] | None:
    """Size and start of the window whose key that is, letter by letter; None if a window has no such key."""
    size, start, _ = parse_window_key(key) or (0, 0, "")
    if size not in WINDOW_SIZES_SECONDS or start % size:
        return None
    ours = (name(size, start).encode() for name in (cells_key, categories_key))
    return (size, start) if key in ours else None
