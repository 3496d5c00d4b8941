"""What a chart of counts marks: recounts, replays, outages, job restarts. And since when counts are kept."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from psycopg2 import extensions

MOST_MARKS = 200


class MarkKind(StrEnum):
    """The last three are those of ``realtime.incidents``."""

    RECOUNT = "recount"
    REPLAY = "replay"
    OUTAGE = "outage"
    JOB_START = "job_start"
    JOB_RESTART = "job_restart"


@dataclass(frozen=True)
class Mark:
    """Times are Unix seconds. Recounts and replays stand where the windows or events are that they changed, and
    ``done_seconds`` says when it was done; the others stand at their own time. ``end_seconds`` is None for what goes
    on. ``subject`` is the store or the job, ``events`` the number of a replay.
    """

    kind: MarkKind
    subject: str
    begin_seconds: float
    end_seconds: float | None
    done_seconds: float | None = None
    events: int = 0


@dataclass(frozen=True)
class History:
    """The newest `MOST_MARKS` marks since a time, oldest first, and the first window that is kept (None: no window)."""

    read_at_seconds: float
    begins_seconds: int | None
    marks: tuple[Mark, ...]


_BEGINS = "SELECT extract(epoch FROM min(window_start))::bigint FROM realtime.metrics_5min"
_MARKS = """
SELECT kind, subject, extract(epoch FROM began_at)::float8, extract(epoch FROM ended_at)::float8, NULL::float8, 0
FROM realtime.incidents
WHERE began_at >= to_timestamp(%(since)s) OR ended_at >= to_timestamp(%(since)s)
    OR (kind = 'outage' AND ended_at IS NULL)
UNION ALL
SELECT 'recount', '', extract(epoch FROM from_time)::float8, extract(epoch FROM to_time)::float8,
    extract(epoch FROM recounted_at)::float8, 0
FROM realtime.recounts WHERE to_time >= to_timestamp(%(since)s)
UNION ALL
SELECT 'replay', '', extract(epoch FROM min(record_time))::float8, extract(epoch FROM max(record_time))::float8,
    extract(epoch FROM max(replayed_at))::float8, count(*)
FROM realtime.replayed_events WHERE record_time >= to_timestamp(%(since)s) GROUP BY revision
ORDER BY 3 DESC LIMIT %(most)s
"""


def read_history(connection: extensions.connection, since_seconds: float, now_seconds: float) -> History:
    """Of the marks those that reach beyond ``since_seconds``. Raises psycopg2.Error."""
    with connection.cursor() as cursor:
        cursor.execute(_BEGINS)
        row = cursor.fetchone()
        cursor.execute(_MARKS, {"since": since_seconds, "most": MOST_MARKS})
        marks = [Mark(MarkKind(kind), *rest) for kind, *rest in cursor.fetchall()]
    return History(now_seconds, row[0] if row else None, tuple(reversed(marks)))
