"""Puts repaired events into ``raw_events``, under the origin of the record that was rejected.

The origin is the key, so replaying twice changes nothing. What was replayed is kept beside it, which is how
reconciliation knows such rows from rows that nobody can explain; the letters stay in their topic.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from psycopg2 import extensions

from pipeline.contract.rules import MAX_AHEAD_MS
from pipeline.dead_letters.mending import Mended
from pipeline.settings import WINDOW_SIZES_SECONDS, Settings
from pipeline.store.db_connector import connect_mender
from pipeline.store.revisions import next_revision

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class Replay:
    """What a replay did, or would do, by origin."""

    replayed: list[Mended] = field(default_factory=list)
    unchanged: list[Mended] = field(default_factory=list)
    """Replayed before, with the same event."""
    refused: list[tuple[Mended, str]] = field(default_factory=list)


def moment(milliseconds: int) -> datetime:
    """A time since the epoch, exact to the millisecond (a float would not be)."""
    return _EPOCH + timedelta(milliseconds=milliseconds)


def replay(settings: Settings, mended: Sequence[Mended], *, dry_run: bool) -> Replay:
    """All in one transaction; a dry run takes it back. Raises StoreUnavailable, psycopg2.Error."""
    connection = connect_mender(settings)
    try:
        found = _replay_on(connection, mended)
        if dry_run:
            connection.rollback()
        else:
            connection.commit()
        return found
    finally:
        connection.close()


def _replay_on(connection: extensions.connection, mended: Sequence[Mended]) -> Replay:
    found = Replay()
    with connection.cursor() as cursor:
        revision = next_revision(cursor)
        cursor.execute("SELECT kept_from FROM realtime.retention WHERE table_name = 'raw_events'")
        row = cursor.fetchone()
        kept_from: datetime = row[0] if row else _EPOCH
        ids = _replayed_ids(cursor)
        for one in mended:
            noted, twin = _noted_event(cursor, one), ids.get(one.event.event_id)
            if noted == one.event._asdict():
                found.unchanged.append(one)
            elif noted is not None:
                found.refused.append((one, "was replayed before, as another event; what is replayed stays"))
            elif (not one.late and _needed_from(one) < kept_from) or moment(one.record_time_ms) < kept_from:
                found.refused.append((one, f"retention has dropped raw events before {kept_from:%Y-%m-%dT%H:%M:%SZ}"))
            elif twin is not None:
                why = "would be counted twice: its event_id is replayed under the origin {}:{}".format(*twin)
                found.refused.append((one, why))
            elif not _insert(cursor, one):
                found.refused.append((one, "its record stands in raw_events: it was not rejected after all"))
            else:
                _note(cursor, one, revision)
                ids[one.event.event_id] = (one.partition, one.offset)
                found.replayed.append(one)
    return found


def _needed_from(one: Mended) -> datetime:
    """The record time from which on a recount of its windows needs every raw event."""
    size_ms = max(WINDOW_SIZES_SECONDS) * 1000
    return moment(one.event.event_time // size_ms * size_ms - MAX_AHEAD_MS)


def _replayed_ids(cursor: extensions.cursor) -> dict[str, tuple[int, int]]:
    """Origin by event id of everything that was replayed before."""
    cursor.execute("SELECT event->>'event_id', kafka_partition, kafka_offset FROM realtime.replayed_events")
    return {event_id: (partition, offset) for event_id, partition, offset in cursor.fetchall()}


def _note(cursor: extensions.cursor, one: Mended, revision: int) -> None:
    cursor.execute(
        "INSERT INTO realtime.replayed_events "
        "(kafka_partition, kafka_offset, record_time, reason, event, late, revision) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s)",
        (
            one.partition,
            one.offset,
            moment(one.record_time_ms),
            one.reason.replace("\x00", "\\0"),
            json.dumps(one.event._asdict()),
            one.late,
            revision,
        ),
    )


def _noted_event(cursor: extensions.cursor, one: Mended) -> object:
    cursor.execute(
        "SELECT event FROM realtime.replayed_events WHERE kafka_partition = %s AND kafka_offset = %s",
        (one.partition, one.offset),
    )
    row = cursor.fetchone()
    return row[0] if row else None


def _insert(cursor: extensions.cursor, one: Mended) -> bool:
    """False if the origin's row is there already."""
    fields = one.event._asdict() | {"event_time": moment(one.event.event_time)}
    columns = {
        "kafka_partition": one.partition,
        "kafka_offset": one.offset,
        "record_time": moment(one.record_time_ms),
        **fields,
        "late": one.late,
    }
    names, marks = ", ".join(columns), ", ".join(["%s"] * len(columns))
    cursor.execute(
        f"INSERT INTO realtime.raw_events ({names}) VALUES ({marks}) "  # noqa: S608 - the contract's own names
        "ON CONFLICT DO NOTHING",
        tuple(columns.values()),
    )
    return cursor.rowcount == 1
