"""How fast the store job loads ``raw_events``, against a bare COPY of the same rows into the same table shape.

The store job does all it always does (windows, metrics, rejects); the COPY does nothing but load.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from psycopg2.extensions import connection as PgConnection  # noqa: N812 - a class, despite its name

from pipeline.settings import Settings
from pipeline.store.db_connector import connect_owner
from slo.verdict import ObjectiveResult, RunVerdict, Verdict

LEAST_ROWS_PER_SECOND = 100_000.0
LEAST_RATIO = 0.25
LOOK_SECONDS = 0.2
STALL_SECONDS = 120.0
BESIDE = "raw_events_beside"

Say = Callable[[str], None]


class LoadFailed(RuntimeError):
    """The store job stopped before the end."""


class StoreJob(Protocol):
    """The Flink job that writes to PostgreSQL, which the owner of the stack can start and end."""

    def start(self) -> float:
        """Submits it from the beginning of the topic; the unix time at which all its tasks ran."""

    def cancel(self) -> None:
        """Ends it and forgets its checkpoints."""


@dataclass(frozen=True)
class RawCopyRun:
    """One load of the store job and one COPY of the rows that it left."""

    rows: int
    job_seconds: float
    copy_seconds: float

    @property
    def job_rows_per_second(self) -> float:
        """Of the store job, from its tasks' start to the last row."""
        return self.rows / self.job_seconds

    @property
    def copy_rows_per_second(self) -> float:
        """Of the bare COPY."""
        return self.rows / self.copy_seconds

    def as_json(self) -> dict[str, Any]:
        """All figures of the run."""
        rates = {"job_rows_per_second": self.job_rows_per_second, "copy_rows_per_second": self.copy_rows_per_second}
        return {**asdict(self), **rates}


@dataclass(frozen=True)
class RawCopyResult:
    """Every measured run."""

    runs: Sequence[RawCopyRun]

    @property
    def rows_per_second(self) -> float:
        """Median of the store job."""
        return statistics.median(run.job_rows_per_second for run in self.runs)

    @property
    def ratio(self) -> float:
        """Median of the store job's rate over the COPY's beside it."""
        return statistics.median(run.job_rows_per_second / run.copy_rows_per_second for run in self.runs)

    def verdict(self) -> RunVerdict:
        """Fast enough in rows per second, or else compared with this machine's COPY."""
        good = self.rows_per_second >= LEAST_ROWS_PER_SECOND or self.ratio >= LEAST_RATIO
        verdict = Verdict.PASS if good else Verdict.FAIL
        reason = f"{self.ratio:.2f} of a bare COPY (wanted: that rate, or {LEAST_RATIO:g} of a COPY)"
        return RunVerdict.of(
            [
                ObjectiveResult(
                    "raw_events_load",
                    verdict,
                    self.rows_per_second,
                    LEAST_ROWS_PER_SECOND,
                    "rows/s",
                    len(self.runs),
                    reason=reason,
                )
            ]
        )

    def as_json(self) -> dict[str, Any]:
        """Medians, all runs and the verdict."""
        return {
            "rows_per_second": self.rows_per_second,
            "ratio": self.ratio,
            "runs": [run.as_json() for run in self.runs],
            **self.verdict().as_json(),
        }


def measure(settings: Settings, job: StoreJob, rows: int, repetitions: int, say: Say) -> RawCopyResult:
    """Interleaves loads of ``rows`` rows; the first one warms the job's JVM up uncounted. Raises LoadFailed."""
    runs = []
    with closing(connect_owner(settings)) as connection:
        connection.autocommit = True
        for number in range(repetitions + 1):
            run = RawCopyRun(rows, _load(connection, job, rows), _copy(connection))
            say(f"{'warm-up' if number == 0 else f'{number}/{repetitions}'}: {describe(run)}")
            if number:
                runs.append(run)
        _execute(connection, f"DROP TABLE IF EXISTS {BESIDE}")
    return RawCopyResult(runs)


def describe(run: RawCopyRun) -> str:
    """A run in one line."""
    return (
        f"{run.rows:,} rows: store job {run.job_seconds:.1f} s ({run.job_rows_per_second:,.0f}/s), "
        f"COPY {run.copy_seconds:.1f} s ({run.copy_rows_per_second:,.0f}/s)"
    )


def _load(connection: PgConnection, job: StoreJob, rows: int) -> float:
    _execute(connection, "TRUNCATE raw_events, metrics_1min, metrics_5min")
    began = job.start()
    ended = _until_loaded(connection, rows)
    job.cancel()
    (stored,) = _execute(connection, "SELECT count(*) FROM raw_events")[0]
    if stored != rows:
        raise LoadFailed(f"the store job left {stored:,} rows in raw_events instead of {rows:,}")
    return ended - began


def _until_loaded(connection: PgConnection, rows: int) -> float:
    moved_at, before = time.monotonic(), -1
    while True:
        loaded = _rows_by_offsets(connection)
        if loaded >= rows:
            return time.time()
        if loaded != before:
            moved_at, before = time.monotonic(), loaded
        elif time.monotonic() - moved_at > STALL_SECONDS:
            raise LoadFailed(f"the store job stopped at {loaded:,} of {rows:,} rows")
        time.sleep(LOOK_SECONDS)


def _rows_by_offsets(connection: PgConnection) -> int:
    """Rows loaded so far, from each partition's highest offset: an index look-up instead of a count."""
    query = """
        WITH RECURSIVE partitions AS (
            SELECT min(kafka_partition) AS number FROM raw_events
            UNION ALL
            SELECT (SELECT min(kafka_partition) FROM raw_events WHERE kafka_partition > number)
            FROM partitions WHERE number IS NOT NULL
        )
        SELECT (SELECT max(kafka_offset) + 1 FROM raw_events WHERE kafka_partition = number)
        FROM partitions WHERE number IS NOT NULL
    """
    return sum(int(count) for (count,) in _execute(connection, query))


def _copy(connection: PgConnection) -> float:
    """Seconds that a COPY of all rows into an empty table of the same shape takes."""
    for statement in (
        f"DROP TABLE IF EXISTS {BESIDE}",
        f"CREATE TABLE {BESIDE} (LIKE raw_events INCLUDING ALL) PARTITION BY RANGE (record_time)",
        f"CREATE TABLE {BESIDE}_rows PARTITION OF {BESIDE} DEFAULT",
    ):
        _execute(connection, statement)
    with tempfile.TemporaryFile() as rows, connection.cursor() as cursor:
        cursor.copy_expert("COPY (SELECT * FROM raw_events) TO STDOUT (FORMAT binary)", rows)
        rows.seek(0)
        began = time.monotonic()
        cursor.copy_expert(f"COPY {BESIDE} FROM STDIN (FORMAT binary)", rows)
        return time.monotonic() - began


def _execute(connection: PgConnection, statement: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []
