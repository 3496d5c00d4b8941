"""Notes what interrupts the counting: outages of Redis and PostgreSQL, starts and restarts of the Flink jobs.

A thread of the job keeper polls all three once a second and writes to ``realtime.incidents``. What PostgreSQL cannot
take is kept in memory and written when it answers again.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import psycopg2
import redis
from psycopg2 import extensions

from pipeline.cache.cache_access import CacheUser, impatient_client
from pipeline.flink_rest import FlinkRest, FlinkUnavailable
from pipeline.job_names import JOBS, flink_name
from pipeline.settings import Settings
from pipeline.store.db_connector import StoreUnavailable, connect_writer

LOG = logging.getLogger("adctr.incidents")

POLL_SECONDS = 1.0
PING_SECONDS = 1.0
REST_TIMEOUT_SECONDS = 2.0
SLOW_SECONDS = 2.0
"""A store that takes longer to answer a ping was out all that time: a paused server answers when it goes on."""
MOST_PENDING = 1_000


class IncidentKind(StrEnum):
    """As in ``realtime.incidents``."""

    OUTAGE = "outage"
    JOB_START = "job_start"
    JOB_RESTART = "job_restart"


@dataclass(frozen=True)
class Incident:
    """``subject`` is a store or a job; times are Unix seconds, ``ended_seconds`` is None while it goes on."""

    kind: IncidentKind
    subject: str
    began_seconds: float
    ended_seconds: float | None = None


@dataclass
class Outages:
    """Turns polls of one store into outages. ``open_since`` is None while it answers."""

    subject: str
    open_since: float | None = None

    def polled(self, asked_at: float, answered_at: float | None) -> Incident | None:
        """What to write after a poll; ``answered_at`` is None where no answer came."""
        if answered_at is None:
            if self.open_since is not None:
                return None
            self.open_since = asked_at
            return Incident(IncidentKind.OUTAGE, self.subject, asked_at)
        began, self.open_since = self.open_since, None
        if began is None and answered_at - asked_at > SLOW_SECONDS:
            began = asked_at
        return None if began is None else Incident(IncidentKind.OUTAGE, self.subject, began, answered_at)


def job_incident(job: str, detail: Mapping[str, Any]) -> Incident:
    """Its last restart or, before the first, its start; from Flink's ``/jobs/<id>``.

    That says when the job last entered each state, so each incident ends when the job last began to run.
    """
    entered: Mapping[str, int] = detail["timestamps"]
    restarting, running = entered.get("RESTARTING", 0), entered.get("RUNNING", 0)
    kind, at = (IncidentKind.JOB_RESTART, restarting) if restarting else (IncidentKind.JOB_START, detail["start-time"])
    return Incident(kind, job, at / 1000, running / 1000 if running >= at else None)


class IncidentRecorder:
    """Polls and writes. One thread uses it; the settings hold the passwords of both stores' writers."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._clock = clock
        self._redis = impatient_client(
            settings, CacheUser.WRITER, connect_timeout_seconds=PING_SECONDS, timeout_seconds=PING_SECONDS
        )
        self._postgres: extensions.connection | None = None
        self._outages = {name: Outages(name) for name in ("redis", "postgres")}
        self._adopted = False
        self._pending: dict[tuple[IncidentKind, str, float], Incident] = {}
        self._written: dict[tuple[IncidentKind, str], Incident] = {}

    def run(self) -> None:
        """Polls forever. An error that nobody expected costs one poll."""
        while True:
            try:
                self.tick()
            except Exception:
                LOG.exception("incidents could not be noted")
            time.sleep(POLL_SECONDS)

    def tick(self) -> None:
        """One poll of both stores and the jobs."""
        self._adopt()
        self._poll("redis", self._ping_redis)
        self._poll("postgres", self._ping_postgres)
        with suppress(FlinkUnavailable, KeyError):
            self._note(self._job_incidents())
        self._write()

    def close(self) -> None:
        """Closes both connections."""
        self._redis.close()
        self._forget_postgres()

    def _poll(self, name: str, ping: Callable[[], bool]) -> None:
        asked_at = self._clock()
        answered_at = self._clock() if ping() else None
        found = self._outages[name].polled(asked_at, answered_at)
        self._note([found] if found else [])

    def _note(self, found: Iterable[Incident]) -> None:
        for each in found:
            if self._written.get((each.kind, each.subject)) == each:
                continue
            self._pending[each.kind, each.subject, each.began_seconds] = each
            while len(self._pending) > MOST_PENDING:
                del self._pending[next(iter(self._pending))]

    def _ping_redis(self) -> bool:
        try:
            self._redis.ping()
        except redis.RedisError:
            return False
        return True

    def _ping_postgres(self) -> bool:
        try:
            with self._connection() as connection, connection.cursor() as cursor:
                cursor.execute("SELECT 1")
        except (psycopg2.Error, StoreUnavailable):
            self._forget_postgres()
            return False
        return True

    def _job_incidents(self) -> list[Incident]:
        by_name = {flink_name(job): job for job in JOBS}
        flink = FlinkRest(self._settings.flink_rest_url, REST_TIMEOUT_SECONDS)
        jobs = [job for job in flink.every_job() if job.name in by_name]
        return [job_incident(by_name[job.name], flink.get(f"/jobs/{job.job_id}")) for job in jobs]

    def _adopt(self) -> None:
        """Outages that a predecessor left open go on until the store's next answer."""
        if self._adopted:
            return
        try:
            with self._connection() as connection, connection.cursor() as cursor:
                cursor.execute(
                    "SELECT subject, extract(epoch FROM began_at)::double precision FROM realtime.incidents "
                    "WHERE kind = 'outage' AND ended_at IS NULL"
                )
                for subject, began in cursor.fetchall():
                    self._outages[subject].open_since = began
            self._adopted = True
        except (psycopg2.Error, StoreUnavailable):
            self._forget_postgres()

    def _write(self) -> None:
        if not self._pending:
            return
        try:
            with self._connection() as connection, connection.cursor() as cursor:
                for each in self._pending.values():
                    cursor.execute(_UPSERT, (each.kind, each.subject, *map(_time, _ends(each))))
        except (psycopg2.Error, StoreUnavailable):
            self._forget_postgres()
            return
        self._written |= {(each.kind, each.subject): each for each in self._pending.values()}
        self._pending.clear()

    def _connection(self) -> extensions.connection:
        if self._postgres is None:
            self._postgres = connect_writer(self._settings)
        return self._postgres

    def _forget_postgres(self) -> None:
        connection, self._postgres = self._postgres, None
        if connection is not None:
            connection.close()


_UPSERT = """
INSERT INTO realtime.incidents VALUES (%s, %s, %s, %s)
ON CONFLICT (began_at, kind, subject) DO UPDATE SET ended_at = excluded.ended_at
WHERE realtime.incidents.ended_at IS NULL
"""


def _ends(incident: Incident) -> tuple[float, float | None]:
    return incident.began_seconds, incident.ended_seconds


def _time(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def start_recording(settings: Settings) -> None:
    """Records incidents in a thread of this process, for as long as the process runs."""
    threading.Thread(target=IncidentRecorder(settings).run, name="incidents", daemon=True).start()
