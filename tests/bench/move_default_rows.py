"""How long inserts wait while rows leave the default partition.

``python -m tests.bench.move_default_rows [ROWS [RUNS]]``, on a PostgreSQL of its own. Each run writes to the default
partition while ROWS rows are moved out of it, and for as long afterwards, to show what the machine adds by itself.
"""

from __future__ import annotations

import dataclasses
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from statistics import median

from pipeline.settings import Settings
from pipeline.store import migrate
from pipeline.store.db_connector import connect_keeper, connect_reader, connect_writer
from pipeline.store.default_partition import one_mover
from pipeline.store.partitions import keep_ahead
from tests.bare_postgres import bare_postgres
from tests.unit.pipeline.store.stored_rows import at, copy_rows

TODAY = datetime.now(UTC).date() + timedelta(days=9)
"""A day without a partition."""
ROWS_PER_INSERT = 100
PAUSE_SECONDS = 0.02


def fill(settings: Settings, rows: int) -> None:
    with closing(connect_writer(settings)) as writer, writer, writer.cursor() as cursor:
        cursor.execute(
            "INSERT INTO raw_events SELECT 0, n, %s::timestamptz + n * interval '50 ms', now(), 'event-' || n, "
            "'CLICK', 'user-' || n, 'ad', 'campaign', 'category', 'placement', 'mobile', NULL, false "
            "FROM generate_series(1, %s) AS n",
            (at(TODAY, 0), rows),
        )


@contextmanager
def inserting(settings: Settings, first: int) -> Iterator[list[float]]:
    """Inserts until the block ends; seconds of each insert so far."""
    stop, seconds = threading.Event(), list[float]()

    def run() -> None:
        with closing(connect_writer(settings)) as writer:
            while not stop.wait(PAUSE_SECONDS):
                began, offset = time.monotonic(), first + len(seconds) * ROWS_PER_INSERT
                copy_rows(writer, ((offset + each, at(TODAY, 23)) for each in range(ROWS_PER_INSERT)))
                writer.commit()
                seconds.append(time.monotonic() - began)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield seconds
    finally:
        stop.set()
        thread.join()


def measure(settings: Settings, rows: int) -> str:
    migrate(settings)
    fill(settings, rows)
    with inserting(settings, rows + 1) as seconds:
        began = time.monotonic()
        with closing(connect_keeper(settings)) as keeper, one_mover(keeper):
            moved = keep_ahead(keeper, TODAY).default_rows_moved
        took, during = time.monotonic() - began, list(seconds)
        time.sleep(took)
        after = seconds[len(during) :]
    with closing(connect_reader(settings, statement_timeout_ms=0)) as reader, reader.cursor() as cursor:
        cursor.execute("SELECT count(*), (SELECT count(*) FROM raw_events_default) FROM raw_events")
        assert cursor.fetchone() == (rows + ROWS_PER_INSERT * len(seconds), 0)
    return f"{moved:,} rows moved in {took:.1f} s; inserts during it {told(during)}; afterwards {told(after)}"


def told(seconds: list[float]) -> str:
    return f"median {median(seconds) * 1000:.0f} ms, longest {max(seconds) * 1000:.0f} ms of {len(seconds)}"


def main() -> None:
    rows, runs = (int(each) for each in (sys.argv[1:] + ["1000000", "5"][len(sys.argv) - 1 :]))
    with bare_postgres() as server:
        for number in range(runs):
            print(measure(dataclasses.replace(server.settings, postgres_database=f"adctr_{number}"), rows), flush=True)


if __name__ == "__main__":
    main()
