"""Redis: memory against its ceiling, keys, evictions, and how long a read takes."""

from __future__ import annotations

from dashboards.ops.board import Board, Section
from dashboards.ops.limits import limit_of, quantile
from dashboards.ops.panels import BYTES, PER_SECOND, RECORDS, SECONDS, Graph, Query
from slo.spec.metrics import CACHE_LONGEST_RETENTION, CACHE_RETENTION, METRICS, REDIS_JOB, ceiling_metric
from slo.spec.model import Ceiling, Indicator, Specification

UID = "adctr-redis"
_OURS = f'{{job="{REDIS_JOB}"}}'


def board(specification: Specification) -> Board:
    """What Redis holds, what it loses, what it is asked."""
    return Board(
        UID,
        "adctr: Redis",
        "The cache of click-through rates that bidders read.",
        [
            Section("What it holds", [_memory(), _retention(), _keys(), _keys_without_ttl(specification)]),
            Section("What readers see", [_reads(specification), _evictions(specification), _expired()]),
            Section("The server", [_commands(), _clients(), _resident()]),
        ],
    )


def _memory() -> Graph:
    queries = [
        Query(METRICS[Indicator.REDIS_MEMORY].name, "used"),
        Query(ceiling_metric(Ceiling.REDIS_MEMORY), "ceiling"),
    ]
    return Graph("Memory and its ceiling", queries, BYTES, "The ceiling follows from cells and retention.", width=6)


def _retention() -> Graph:
    queries = [Query(CACHE_RETENTION, "in force"), Query(CACHE_LONGEST_RETENTION, "setting")]
    description = (
        "Shorter than the setting while memory is short: the oldest windows have gone and are read from PostgreSQL."
    )
    return Graph("How long windows are kept", queries, unit=SECONDS, description=description, width=6)


def _keys() -> Graph:
    return Graph(
        "Keys", [Query(METRICS[Indicator.REDIS_KEYS].name, "keys")], RECORDS, "All keys of the database.", width=6
    )


def _keys_without_ttl(specification: Specification) -> Graph:
    name = METRICS[Indicator.REDIS_KEYS_WITHOUT_TTL].name
    limit = limit_of(specification, Indicator.REDIS_KEYS_WITHOUT_TTL)
    return Graph("Windows that never expire", [Query(name, "keys")], RECORDS, "Keys without a TTL.", limit, 6)


def _reads(specification: Specification) -> Graph:
    queries = [
        Query(
            quantile(indicator, f"{share}"),
            f"{name} {share * 100:g} %",
        )
        for indicator, name in ((Indicator.CACHE_READ, "read API"), (Indicator.CACHE_READ_BARE, "bare"))
        for share in (0.5, 0.999)
    ]
    limit = limit_of(specification, Indicator.CACHE_READ)
    return Graph("Read latency", queries, SECONDS, "Of the probes' reads. The line is what is promised.", limit)


_EVICTED = "For want of memory. Redis is told to refuse writes instead, so any is a fault."


def _evictions(specification: Specification) -> Graph:
    name = METRICS[Indicator.REDIS_EVICTIONS].name
    limit = limit_of(specification, Indicator.REDIS_EVICTIONS)
    return Graph("Evicted within the hour", [Query(f"increase({name}[1h])", "keys")], RECORDS, _EVICTED, limit)


def _expired() -> Graph:
    expr = f"rate(redis_expired_keys_total{_OURS}[$__rate_interval])"
    return Graph("Keys expired", [Query(expr, "expired")], PER_SECOND, "Windows whose retention has ended.")


def _commands() -> Graph:
    expr = f"rate(redis_commands_processed_total{_OURS}[$__rate_interval])"
    return Graph("Commands", [Query(expr, "commands")], PER_SECOND, "Of all clients.")


def _clients() -> Graph:
    return Graph("Clients", [Query(f"redis_connected_clients{_OURS}", "connected")], RECORDS, "Connections to Redis.")


def _resident() -> Graph:
    queries = [
        Query(f"redis_memory_used_bytes{_OURS}", "used"),
        Query(f"redis_memory_used_rss_bytes{_OURS}", "resident"),
        Query(f"redis_memory_max_bytes{_OURS}", "maxmemory"),
    ]
    return Graph("Memory by the server", queries, BYTES, "As Redis's INFO has it; maxmemory is the limit.")
