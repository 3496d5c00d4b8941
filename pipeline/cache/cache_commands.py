"""The read API's questions as Redis commands, and what their replies say. Canaries are left out here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import redis

from pipeline.cache.cell_sums import summed, totals
from pipeline.contract.cache_schema import (
    CELL_SEPARATOR,
    RETENTION_FIELDS,
    Cell,
    Counts,
    Retention,
    categories_key,
    cell_field,
    cells_key,
    is_canary,
    parse_cell_field,
    retention_key,
)

_WHOLE_HASH = 1_000_000
"""HSCAN's COUNT: more fields than a window has, so that one call returns all that match."""
_GLOB = b"\\*?[]"
_REMEMBERED_FIELDS = 1 << 18
"""A field is in the hashes of many windows and asked for every few seconds: what it names is told once."""


def read_retention(client: redis.Redis, longest_seconds: int) -> Retention:
    """The retention in force, where the setting is ``longest_seconds``. Raises redis.RedisError, ValueError."""
    values: Any = client.hmget(retention_key(), RETENTION_FIELDS)
    return Retention.of(values, longest_seconds)


def ask_counts(pipe: Any, size: int, start: int, campaign_id: str | None, category: str | None) -> None:
    """Asks for one window's counts, by the cheapest command that has them."""
    if campaign_id is None and category is None:
        pipe.hgetall(categories_key(size, start))
    elif campaign_id is None:
        pipe.hget(categories_key(size, start), category)
    elif category is None:
        pattern = b"".join(b"\\" + bytes([byte]) if byte in _GLOB else bytes([byte]) for byte in campaign_id.encode())
        pipe.hscan(cells_key(size, start), match=pattern + CELL_SEPARATOR + b"*", count=_WHOLE_HASH)
    else:
        pipe.hget(cells_key(size, start), cell_field(campaign_id, category))


def sums_of(replies: Iterable[Any]) -> list[Counts]:
    """Counts of each of the replies to `ask_counts`: nothing, a value, a hash, or HSCAN's cursor and hash."""
    return totals([hash_of(reply) for reply in replies], _is_shown)


def hash_of(reply: Any) -> Mapping[bytes, bytes]:
    """The fields of one of these replies; a value is that of a field without a name."""
    if reply is None or isinstance(reply, bytes):
        return {b"": reply} if reply else {}
    fields: Mapping[bytes, bytes] = reply if isinstance(reply, dict) else reply[1]
    return fields


def per_campaign(replies: list[dict[bytes, bytes]], category: str | None) -> dict[str, Counts]:
    """Sums per campaign over cells hashes, of one category or of all."""

    def campaign_of(field: bytes) -> str | None:
        cell = shown_cell(field)
        return None if cell is None or category not in (None, cell[1]) else cell[0]

    return summed(replies, campaign_of)


def per_category(replies: list[dict[bytes, bytes]]) -> dict[str, Counts]:
    """Sums per category over categories hashes."""
    return summed(replies, shown_category)


@lru_cache(_REMEMBERED_FIELDS)
def shown_cell(field: bytes) -> Cell | None:
    """What a field of a cells hash names; None for a canary's."""
    cell = parse_cell_field(field)
    return None if is_canary(cell[1]) else cell


@lru_cache(_REMEMBERED_FIELDS)
def shown_category(field: bytes) -> str | None:
    """What a field of a categories hash names; None for a canary's."""
    category = field.decode()
    return None if is_canary(category) else category


@lru_cache(_REMEMBERED_FIELDS)
def _is_shown(field: bytes) -> bool:
    """Whether a field of either hash is no canary's."""
    return not is_canary(field.rpartition(CELL_SEPARATOR)[2].decode())
