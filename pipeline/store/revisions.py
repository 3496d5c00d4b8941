"""Revisions order replays and recounts: a recount has seen exactly the replays with a smaller one."""

from __future__ import annotations

from psycopg2 import extensions

_LOCK_KEY = 0x72657673
"""Advisory lock of replays, recounts and retention ("revs"); any constant does that nobody else takes."""


def exclude_others(cursor: extensions.cursor) -> None:
    """Until the transaction ends nobody replays, recounts, or moves or drops days of ``raw_events``."""
    cursor.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK_KEY,))


def next_revision(cursor: extensions.cursor) -> int:
    """The next revision; until the transaction ends nobody else gets one, so revisions commit in their order."""
    exclude_others(cursor)
    cursor.execute("SELECT nextval('realtime.revisions')")
    row = cursor.fetchone()
    assert row is not None
    return int(row[0])
