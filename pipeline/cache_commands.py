"""The read API's questions as Redis commands, and what their replies say. Canaries are left out here."""

from __future__ import annotations

from typing import Any

import redis

from pipeline.cell_sums import summed
from pipeline.contract.cache_schema import (
    CELL_SEPARATOR,
    RETENTION_FIELDS,
    ZERO,
    Counts,
    Retention,
    categories_key,
    cell_field,
    cells_key,
    is_canary,
    parse_cell_field,
    parse_counts,
    retention_key,
)

_WHOLE_HASH = 1_000_000
"""HSCAN's COUNT: more fields than a window has, so that one call returns all that match."""
_GLOB = b"\\*?[]"


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


def sum_of(reply: Any) -> Counts:
    """Counts of a reply to `ask_counts`: a value, a hash, or HSCAN's cursor and hash."""
    if reply is None or isinstance(reply, bytes):
        return parse_counts(reply) if reply else ZERO
    fields = reply if isinstance(reply, dict) else reply[1]
    return summed([fields], lambda field: None if is_canary(_category_of(field)) else "").get("", ZERO)


def _category_of(field: bytes) -> str:
    return field.rpartition(CELL_SEPARATOR)[2].decode()


def per_campaign(replies: list[dict[bytes, bytes]], category: str | None) -> dict[str, Counts]:
    """Sums per campaign over cells hashes, of one category or of all."""

    def campaign_of(field: bytes) -> str | None:
        campaign_id, of_category = parse_cell_field(field)
        hidden = is_canary(campaign_id) or is_canary(of_category) or category not in (None, of_category)
        return None if hidden else campaign_id

    return summed(replies, campaign_of)


def per_category(replies: list[dict[bytes, bytes]]) -> dict[str, Counts]:
    """Sums per category over categories hashes."""
    return summed(replies, lambda field: None if is_canary(name := field.decode()) else name)
