"""PostgreSQL: schema, roles, connections, partitions. The record that outlives the cache."""

from pipeline.store.db_connector import StoreUnavailable, connect_reader, connect_writer, snapshot
from pipeline.store.migrate import MigrationFailed, migrate
from pipeline.store.partitions import ensure_partitions
from pipeline.store.retention import RetentionReport, apply_retention

__all__ = [
    "MigrationFailed",
    "RetentionReport",
    "StoreUnavailable",
    "apply_retention",
    "connect_reader",
    "connect_writer",
    "ensure_partitions",
    "migrate",
    "snapshot",
]
