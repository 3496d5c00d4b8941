"""PostgreSQL: rows that come, what tables and indexes weigh, rows that vacuum has yet to remove."""

from __future__ import annotations

from dashboards.ops.board import Board, Section
from dashboards.ops.panels import BYTES, PER_SECOND, RECORDS, Graph, Query
from slo.spec.metrics import POSTGRES_JOB

UID = "adctr-postgres"
_JOB = f'job="{POSTGRES_JOB}"'
_DATABASE = f'{{{_JOB}, datname="adctr"}}'
TABLE = "adctr_postgres_table"


def board() -> Board:
    """Tables as compose/monitoring/postgres_queries.yaml counts them: a partitioned one is one table."""
    return Board(
        UID,
        "adctr: PostgreSQL",
        "The record: every event, and every final window.",
        [
            Section("Rows", [_inserts(), _updates(), _dead()]),
            Section("Sizes", [_size("table"), _size("index"), _database()]),
            Section("The server", [_transactions(), _connections(), _locks()]),
        ],
    )


def _inserts() -> Graph:
    expr = f"rate({TABLE}_rows_inserted_total{{{_JOB}}}[$__rate_interval])"
    return Graph("Rows inserted", [Query(expr, "{{table}}")], PER_SECOND, "A partitioned table is one table.")


def _updates() -> Graph:
    expr = f"rate({TABLE}_rows_updated_total{{{_JOB}}}[$__rate_interval])"
    return Graph("Rows updated", [Query(expr, "{{table}}")], PER_SECOND, "Windows, with each firing that changes them.")


def _dead() -> Graph:
    return Graph(
        "Dead rows", [Query(f"{TABLE}_dead_rows{{{_JOB}}}", "{{table}}")], RECORDS, "What vacuum has yet to remove."
    )


def _size(what: str) -> Graph:
    titles = {"table": "Tables", "index": "Indexes"}
    queries = [Query(f"{TABLE}_{what}_bytes{{{_JOB}}}", "{{table}}")]
    return Graph(titles[what], queries, BYTES, "On disk, all partitions of a table together.")


def _database() -> Graph:
    queries = [Query(f"pg_database_size_bytes{_DATABASE}", "{{datname}}")]
    return Graph("Database", queries, BYTES, "All of it on disk, without the write-ahead log.")


def _transactions() -> Graph:
    queries = [
        Query(f"rate(pg_stat_database_{what}{_DATABASE}[$__rate_interval])", name)
        for what, name in (("xact_commit", "committed"), ("xact_rollback", "rolled back"))
    ]
    return Graph("Transactions", queries, PER_SECOND, "Of all clients of this database.")


def _connections() -> Graph:
    expr = f"sum by (state) (pg_stat_activity_count{_DATABASE})"
    return Graph("Connections", [Query(expr, "{{state}}")], RECORDS, "Of all roles, by what they are doing.")


def _locks() -> Graph:
    expr = f"sum by (mode) (pg_locks_count{_DATABASE})"
    return Graph("Locks", [Query(expr, "{{mode}}")], RECORDS, "Held now, by mode.")
