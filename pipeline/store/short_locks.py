"""Steps that need a strong lock for a moment. Writers queue behind a session that waits for one, so no wait is long."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from psycopg2 import errors, extensions
from psycopg2.extensions import connection as PgConnection  # noqa: N812 - a class, despite its name

from pipeline.store.db_connector import StoreUnavailable
from pipeline.store.revisions import exclude_others

T = TypeVar("T")

LOCK_TIMEOUT_MS = 300
"""So long at most a step waits for a lock, and writers behind it."""
PATIENCE_SECONDS = 900.0
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 5.0
_POLL_SECONDS = 0.2


class StoreBusy(StoreUnavailable):
    """Other sessions of PostgreSQL leave no room for a step; the message says for how long it was tried."""


def run_step(
    connection: PgConnection, step: Callable[[extensions.cursor], T], patience_seconds: float = PATIENCE_SECONDS
) -> T:
    """Runs a step in a transaction of its own, and again where a lock is not free; nobody recounts meanwhile.

    Raises StoreBusy after ``patience_seconds``, psycopg2.Error.
    """
    give_up_at = time.monotonic() + patience_seconds
    pause = _FIRST_PAUSE_SECONDS
    while True:
        try:
            with connection, connection.cursor() as cursor:
                # First, and without a timeout: a recount takes minutes, and holds up nobody but us.
                exclude_others(cursor)
                cursor.execute("SET LOCAL lock_timeout = %s", (LOCK_TIMEOUT_MS,))
                return step(cursor)
        except (errors.LockNotAvailable, errors.DeadlockDetected) as error:
            if time.monotonic() >= give_up_at:
                raise StoreBusy(
                    f"raw_events could not be locked for an instant within {patience_seconds:g} s: a query has held it "
                    "all that time (see pg_stat_activity); try again when it has ended"
                ) from error
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)


def wait_for_older_transactions(connection: PgConnection, patience_seconds: float = PATIENCE_SECONDS) -> None:
    """Returns when every transaction that runs now has ended: later ones see all that is committed now.

    Raises StoreBusy after ``patience_seconds``, psycopg2.Error.
    """
    give_up_at = time.monotonic() + patience_seconds
    older = _running(connection)
    while older & _running(connection):
        if time.monotonic() >= give_up_at:
            raise StoreBusy(
                f"a transaction has been open for more than {patience_seconds:g} s (see pg_stat_activity); "
                "try again when it has ended"
            )
        time.sleep(_POLL_SECONDS)


def _running(connection: PgConnection) -> set[str]:
    """Other sessions' transactions, those that only read among them. Every role may see these locks."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT virtualxid FROM pg_locks WHERE locktype = 'virtualxid' AND granted AND pid <> pg_backend_pid()"
        )
        return {name for (name,) in cursor.fetchall()}
