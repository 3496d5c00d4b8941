"""Writes docs/queries.md: the read API's statements with their plans, from a database filled for the purpose.

``python -m tests.bench.explain_queries DATA_DIR`` uses the PostgreSQL of the running stack, in a database of its own
that is dropped afterwards: 24 hours of 1,000 campaigns, every campaign in every window.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path

from psycopg2 import extensions

from compose.stack.state import load_settings
from pipeline.read_results import Order, Ranking
from pipeline.store import connect_reader, migrate
from pipeline.store.db_connector import connect_owner
from pipeline.store.metrics_queries import Query, WindowRange, campaigns_query, categories_query, series_query

DATABASE = "adctr_explain"
END = 1_767_312_000
"""2026-01-02T00:00:00Z."""
HOURS, CAMPAIGNS, CATEGORIES = 24, 1_000, 10
PAGE = Path(__file__).parents[2] / "docs" / "queries.md"

HEAD = """# The dashboards' queries and their plans

Written by `python -m tests.bench.explain_queries DATA_DIR`: {hours} hours of {campaigns:,} campaigns in {categories}
categories, `metrics_1min` {rows_1min:,} rows, `metrics_5min` {rows_5min:,} rows, {version}. Times are those of one run
on a machine that ran other things beside it; what counts is which index is used and how many rows are touched.

Three indexes on each metrics table serve all of them:

| index | serves |
|---|---|
| primary key `(window_start, campaign_id, category)` | everything in a time range: totals, categories, top campaigns |
| `(campaign_id, window_start)` | one campaign over time |
| `(category, window_start)` | one category over time |

With few categories PostgreSQL 18 reads a plain time range through the third index as well, skipping from category to
category, because it is the smallest; older versions take the primary key.

The counts are deliberately in no index (`INCLUDE`): a live window's row is updated several times a second, and only
an update that touches no indexed column can be done in place (HOT). `raw_events` has its primary key and nothing else:
no dashboard reads it, and each further index would cost the insert rate.
"""


def questions() -> Iterator[tuple[str, Query]]:
    """What the dashboards ask, with the range each one is asked for."""
    hour = WindowRange(60, END - 3600, END)
    day = WindowRange(300, END - 86_400, END)
    yield "Total of the last hour, by minute", series_query(hour, None, None)
    yield "One campaign, 24 hours by minute", series_query(WindowRange(60, END - 86_400, END), "campaign-7", None)
    yield "One category, the last hour by minute", series_query(hour, None, "category-3")
    yield "Categories of the last hour", categories_query(hour)
    yield "Top campaigns of the last hour", campaigns_query(hour, None, Ranking())
    yield (
        "Top campaigns by CTR of a category, 24 hours in 5-minute windows",
        campaigns_query(day, "category-3", Ranking(Order.CTR, minimum_impressions=1000)),
    )


def fill(connection: extensions.connection) -> None:
    """Every campaign in every window, in order of time as the job would write them."""
    with connection, connection.cursor() as cursor:
        for table, size in (("metrics_1min", 60), ("metrics_5min", 300)):
            cursor.execute(
                f"INSERT INTO {table} SELECT to_timestamp(w), 'campaign-' || c, 'category-' || c %% %s, "  # noqa: S608
                "10 + (c * 7919 + w / 60) %% 500, c %% 10 "
                "FROM generate_series(%s, %s - %s, %s) w, generate_series(0, %s - 1) c",
                (CATEGORIES, END - HOURS * 3600, END, size, size, CAMPAIGNS),
            )
            cursor.execute("INSERT INTO watermarks VALUES (%s, %s)", (f"store-{size}", END * 1000))
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE metrics_1min, metrics_5min, watermarks")


def explained(connection: extensions.connection, query: Query) -> str:
    """The plan of a second run, with warm buffers."""
    with connection.cursor() as cursor:
        for _ in range(2):
            cursor.execute(b"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) " + cursor.mogrify(query.statement, query.arguments))
            rows = cursor.fetchall()
    return "\n".join(row[0] for row in rows)


def scalar(connection: extensions.connection, statement: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return str(cursor.fetchall()[0][0])


def page(connection: extensions.connection) -> str:
    """The whole document."""
    parts = [
        HEAD.format(
            hours=HOURS,
            campaigns=CAMPAIGNS,
            categories=CATEGORIES,
            rows_1min=int(scalar(connection, "SELECT count(*) FROM metrics_1min")),
            rows_5min=int(scalar(connection, "SELECT count(*) FROM metrics_5min")),
            version="PostgreSQL " + scalar(connection, "SHOW server_version"),
        )
    ]
    for title, query in questions():
        with connection.cursor() as cursor:
            statement = cursor.mogrify(query.statement, query.arguments).decode()
        parts.append(f"## {title}\n\n```sql\n{statement}\n```\n\n```\n{explained(connection, query)}\n```\n")
    return "\n".join(parts)


def main(data_dir: Path) -> None:
    """Fills the database, writes the page, drops the database."""
    settings = dataclasses.replace(load_settings(data_dir), postgres_database=DATABASE)
    migrate(settings)
    owner = connect_owner(settings)
    try:
        fill(owner)
        reader = connect_reader(settings)
        PAGE.write_text(page(reader), encoding="utf-8")
        reader.close()
    finally:
        owner.close()
        server = connect_owner(settings, "postgres")
        server.autocommit = True
        with server.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")
        server.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
