"""Windows of the metrics tables in a real PostgreSQL that begin where no window does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from pipeline.contract.cache_schema import Counts
from pipeline.store.metrics_queries import METRICS_TABLES
from slo.reconciliation.stores import metric_windows, misaligned_windows
from tests.unit.slo.reconciliation.memory_topic import NOON
from tests.unit.slo.reconciliation.stored import migrated_postgres

if TYPE_CHECKING:
    from psycopg2.extensions import connection as PgConnection  # noqa: N812 - a class, despite its name


@pytest.fixture(scope="module")
def postgres() -> Iterator[PgConnection]:
    with migrated_postgres() as connection:
        yield connection


@pytest.fixture(autouse=True)
def undone(postgres: PgConnection) -> Iterator[None]:
    yield
    postgres.rollback()


def a_window(connection: PgConnection, size: int, start: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO realtime.{METRICS_TABLES[size]} (window_start, campaign_id, category, impressions, clicks) "  # noqa: S608
            "VALUES (%s, 'shoes', 'sports', 2, 1)",
            (start,),
        )


def without_constraint(connection: PgConnection, size: int) -> None:
    """Until the transaction is rolled back."""
    table = METRICS_TABLES[size]
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE realtime.{table} DROP CONSTRAINT IF EXISTS {table}_window_start_aligned")


@pytest.mark.parametrize("size", [60, 300])
@pytest.mark.parametrize("start", ["2026-01-01T12:00:30Z", "2026-01-01T12:00:00.000001Z", "infinity", "-infinity"])
def test_a_copy_under_a_start_that_no_window_has_is_told_apart(postgres: PgConnection, size: int, start: str) -> None:
    """By whole seconds and minutes it would be the window at noon once more, and right."""
    without_constraint(postgres, size)
    a_window(postgres, size, "2026-01-01T12:00:00Z")
    a_window(postgres, size, start)
    assert [(at, each.counted) for at, each in metric_windows(postgres, size)] == [
        (NOON, {("shoes", "sports"): Counts(2, 1)})
    ]
    assert [rows for _, rows in misaligned_windows(postgres, size)] == [1]


def test_a_five_minute_window_begins_at_every_fifth_minute_alone(postgres: PgConnection) -> None:
    without_constraint(postgres, 300)
    a_window(postgres, 300, "2026-01-01T12:01:00Z")
    assert list(metric_windows(postgres, 300)) == []
    assert misaligned_windows(postgres, 300) == [("2026-01-01 12:01:00+00", 1)]
