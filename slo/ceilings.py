"""The memory that Redis may use: what its live windows can account for, and not much more.

A window costs its cells and expires at end + retention, so there are never more windows than

    retention / size  closed ones  +  the current one  +  one that is not gone yet or that early records have begun.

How many cells a window has is not known in advance; so the largest window there is stands for all. What the ceiling
then catches is everything that is no window in time: keys that never expire, windows that stay too long, other data. A
stream that has more and more campaigns raises the ceiling with it, as it should.

The bytes per cell are the server's data structures, Redis's (dict.h, sds.h, ziplist.c) or Valkey's since 8.1
(hashtable.c, entry.c), checked against real servers in the tests.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import redis

from pipeline.contract.cache_schema import WINDOW_PATTERN, parse_window_key
from pipeline.settings import WINDOW_SIZES_SECONDS, Settings

SERVER_BYTES = 1_000_000
"""An empty server with an append-only file: 938 kB measured."""
BUFFER_BYTES = 1_000_000
"""Connections, the writers' batches on their way in, the append-only file's buffer."""
READ_WINDOWS = 10
"""So many windows may lie in readers' output buffers at a time: two readers with five one-minute windows each."""
VALUE_BYTES = 20
"""Two counts of up to nine digits and a space, with one to spare."""

_BLOCK_BYTES = 8
"""Allocators round up to multiples of 8 (jemalloc) or 16 with a header of 8 (glibc): up to 8 more than asked, and 8."""
_STRING_OVERHEAD_BYTES = 4
"""An sds of up to 255 bytes: length, allocation, flags, NUL."""
_TABLE_BYTES = 24
"""Of the hash table per entry: 8 to 16 in Redis, 9 to 18 in Valkey, and half as much again while it grows."""
REDIS_FIELD_BYTES = 2 * (_STRING_OVERHEAD_BYTES + _BLOCK_BYTES) + 24 + _BLOCK_BYTES + _TABLE_BYTES
"""Beside a field and its value, in a large hash: two strings, a dictEntry of three pointers, the table."""
VALKEY_FIELD_BYTES = 2 * _STRING_OVERHEAD_BYTES + _BLOCK_BYTES + _TABLE_BYTES
"""The same in Valkey, where an entry holds both strings; 26 to 38 measured."""
_COMPACT_OVERHEAD_BYTES = 8
"""Headers of field and value in a ziplist or listpack, and what the allocator adds to the whole."""
_COMPACT_FIELD_BYTES = 64
_KEY_BYTES = 250
"""A key, its entries in the keys' and the expiries' tables, the hash's header: 232 measured with one cell."""
_SAMPLE_FIELDS = 200


@dataclass(frozen=True)
class HashLoad:
    """The largest hash of a kind: its fields, and their mean length in bytes."""

    fields: int
    field_bytes: float


Loads = Mapping[tuple[int, str], HashLoad]
"""By window size in seconds and kind of hash (cells, categories)."""


def windows_in_flight(settings: Settings, size_seconds: int) -> int:
    """The most windows of a size that Redis holds at a time."""
    return settings.cache_retention_seconds // size_seconds + 2


@dataclass(frozen=True)
class Server:
    """A server keeps ``compact_fields`` in one flat block; in a larger hash each takes ``field_bytes`` more."""

    compact_fields: int
    field_bytes: int = REDIS_FIELD_BYTES


def hash_bytes(load: HashLoad, server: Server) -> float:
    """At most so much a hash takes."""
    if load.fields <= server.compact_fields and load.field_bytes <= _COMPACT_FIELD_BYTES:
        return _KEY_BYTES + load.fields * (load.field_bytes + VALUE_BYTES + _COMPACT_OVERHEAD_BYTES)
    return _KEY_BYTES + load.fields * (load.field_bytes + VALUE_BYTES + server.field_bytes)


def redis_memory_ceiling_bytes(settings: Settings, loads: Loads, server: Server) -> float:
    """The ceiling of INFO's ``used_memory`` for the largest windows there are."""
    windows = sum(windows_in_flight(settings, size) * hash_bytes(load, server) for (size, _), load in loads.items())
    largest = max((load.fields * (load.field_bytes + VALUE_BYTES) for load in loads.values()), default=0.0)
    return SERVER_BYTES + BUFFER_BYTES + windows + READ_WINDOWS * largest


def read_loads(client: redis.Redis) -> Loads:
    """The largest hash of each kind in Redis now. Raises redis.RedisError."""
    keys: dict[tuple[int, str], list[bytes]] = defaultdict(list)
    for key in client.scan_iter(match=WINDOW_PATTERN, count=100):
        if found := parse_window_key(key):
            size, _, kind = found
            keys[size, kind].append(key)
    return {kind: _largest(client, found) for kind, found in keys.items() if kind[0] in WINDOW_SIZES_SECONDS}


def _largest(client: redis.Redis, keys: list[bytes]) -> HashLoad:
    with client.pipeline(transaction=False) as pipe:
        for key in keys:
            pipe.hlen(key)
        fields, key = max(zip(pipe.execute(), keys, strict=True))
    _, sample = client.hscan(key, count=_SAMPLE_FIELDS)
    return HashLoad(fields, sum(map(len, sample)) / len(sample) if sample else 0.0)


def read_redis_memory_ceiling_bytes(client: redis.Redis, settings: Settings) -> float:
    """The ceiling for what Redis holds now. Raises redis.RedisError."""
    limits = client.config_get("hash-max-*-entries")
    compact_fields = max((int(value or 0) for value in limits.values()), default=0)
    is_valkey = "valkey_version" in client.info("server")
    server = Server(compact_fields, VALKEY_FIELD_BYTES if is_valkey else REDIS_FIELD_BYTES)
    return redis_memory_ceiling_bytes(settings, read_loads(client), server)
