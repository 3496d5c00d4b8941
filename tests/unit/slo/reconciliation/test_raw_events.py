"""`raw_events` in a real PostgreSQL against a topic: a change of any column of any row is found."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.contract.codec import AdEvent
from slo.reconciliation.fold import Fold
from slo.reconciliation.mended import Mending, Replayed
from slo.reconciliation.raw_events import compare_raw_events
from slo.reconciliation.row_hash import MOST_HASHED_BYTES, PADDING_BYTES, SEED_OF, SQL, hash_events, hash_texts
from tests.unit.slo.reconciliation.memory_topic import NOON_MS, Topic, event, ordinary_topic, record
from tests.unit.slo.reconciliation.stored import migrated_postgres, row_of, rows_of, store

if TYPE_CHECKING:
    from psycopg2.extensions import connection as PgConnection  # noqa: N812 - a class, despite its name

Found = list[tuple[str, int | None, int | None]]


@pytest.fixture(scope="module")
def postgres() -> Iterator[PgConnection]:
    with migrated_postgres() as connection:
        yield connection


def found_in(connection: PgConnection, fold: Fold, mending: Mending | None = None) -> Found:
    """(what, partition, offset) of each difference."""
    with connection:
        differences, _ = compare_raw_events(connection, fold, mending or Mending())
    return [(each.what, each.partition, each.offset) for each in differences.listed]


def a_topic() -> Topic:
    """The ordinary one; and events that are read one by one, with a name that is no ASCII and with a long user id."""
    topic = ordinary_topic()
    topic.add(2, record(event("größe", "größe")), record(event("long", user_id="u" * 3000)))
    topic.add(2, record(event("click", click=True)._replace(impression_id="größe")))
    return topic


CHANGES = {
    "record_time": "record_time + interval '1 ms'",
    "event_time": "event_time + interval '1 us'",
    "event_id": "event_id || '.'",
    "event_type": "CASE event_type WHEN 'CLICK' THEN 'IMPRESSION' ELSE 'CLICK' END",
    "user_id": "overlay(user_id placing 'x' from 1 for 1)",
    "ad_id": "'da'",
    "campaign_id": "upper(campaign_id)",
    "category": "''",
    "placement": "'unknowm'",
    "device": "'Unknown'",
    "impression_id": "CASE WHEN impression_id IS NULL THEN '' END",
}
"""By column another value for every row, of the same length where that can be: the old comparison looked at no more."""


def test_rows_that_say_what_the_topic_says_are_no_differences(postgres: PgConnection) -> None:
    topic = a_topic()
    store(postgres, rows_of(topic))
    assert found_in(postgres, topic.fold()) == []


@pytest.mark.parametrize("column", CHANGES)
def test_a_change_of_any_column_is_found_in_every_row(postgres: PgConnection, column: str) -> None:
    topic = a_topic()
    rows = rows_of(topic)
    store(postgres, rows)
    with postgres, postgres.cursor() as cursor:
        cursor.execute(f"UPDATE realtime.raw_events SET {column} = {CHANGES[column]}")  # noqa: S608
    assert sorted(found_in(postgres, topic.fold())) == [("altered", row[0], row[1]) for row in rows]


def test_two_columns_that_change_places_are_found(postgres: PgConnection) -> None:
    topic = a_topic()
    store(postgres, rows_of(topic))
    with postgres, postgres.cursor() as cursor:
        cursor.execute("UPDATE realtime.raw_events SET user_id = ad_id, ad_id = user_id WHERE event_id = 'a-1'")
    assert found_in(postgres, topic.fold()) == [("altered", 0, 1)]


def test_two_rows_that_change_places_are_found(postgres: PgConnection) -> None:
    """Same campaign, same minute, same number of bytes: number and bytes of a minute's events do not tell."""
    topic = a_topic()
    store(postgres, rows_of(topic))
    with postgres, postgres.cursor() as cursor:
        cursor.execute(
            "UPDATE realtime.raw_events SET event_id = CASE event_id WHEN 'a-0' THEN 'a-1' ELSE 'a-0' END "
            "WHERE event_id IN ('a-0', 'a-1')"
        )
    assert found_in(postgres, topic.fold()) == [("altered", 0, 0), ("altered", 0, 1)]


def test_a_replayed_row_is_compared_with_the_mended_event(postgres: PgConnection) -> None:
    """Record 0/4 is no event; it was replayed as one."""
    topic = a_topic()
    mended = event("mended")
    mending = Mending([Replayed(0, 4, NOON_MS, mended, late=False, revision=1)])
    store(postgres, [*rows_of(topic), row_of(0, 4, NOON_MS, mended, late=False)])
    fold = topic.fold()
    assert found_in(postgres, fold, mending) == []
    assert found_in(postgres, fold) == [("unexpected", 0, 4)]
    other = mended._replace(user_id="v")
    assert found_in(postgres, fold, Mending([dataclasses.replace(mending.replays[0], event=other)])) == [
        ("altered", 0, 4)
    ]


texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)
events = st.builds(
    AdEvent,
    event_id=texts | st.just("e" * (MOST_HASHED_BYTES + 1)),
    event_type=st.sampled_from(["IMPRESSION", "CLICK"]),
    event_time=st.integers(946_684_800_000, 4_000_000_000_000),
    user_id=texts | st.integers(0, 600).map("u".__mul__),
    ad_id=texts,
    campaign_id=texts,
    category=texts,
    placement=texts,
    device=texts,
    impression_id=st.none() | texts,
)


@settings(max_examples=50, deadline=None)
@given(some=st.lists(events, min_size=1, max_size=20))
def test_numpy_and_postgresql_hash_alike(postgres: PgConnection, some: list[AdEvent]) -> None:
    """The texts alone: at a time of 0 in PostgreSQL's count, times add nothing."""
    some = [each._replace(event_time=946_684_800_000) for each in some]
    columns = list(SEED_OF)
    with postgres, postgres.cursor() as cursor:
        got = []
        for each in some:
            values = ", ".join(f"%s::text AS {column}" for column in columns)
            cursor.execute(f"SELECT {SQL} FROM (SELECT {values}) AS row", [getattr(each, name) for name in columns])  # noqa: S608
            got += [row[0] % 2**64 for row in cursor.fetchall()]
    assert hash_events(some, [946_684_800_000] * len(some)).tolist() == got


def test_each_size_of_text_is_hashed_as_postgresql_does(postgres: PgConnection) -> None:
    """Each up to what is hashed as it is; the bytes behind a text do not matter."""
    import numpy as np

    sizes = np.arange(MOST_HASHED_BYTES + 1)
    text = "".join(chr(97 + number % 26) for number in range(MOST_HASHED_BYTES))
    hashes = hash_texts(text.encode() + b"?" * PADDING_BYTES, np.zeros_like(sizes), sizes, SEED_OF["user_id"])
    with postgres, postgres.cursor() as cursor:
        cursor.execute(
            "SELECT hashtextextended(left(%s, size), %s) FROM generate_series(0, %s) AS size ORDER BY size",
            (text, SEED_OF["user_id"], MOST_HASHED_BYTES),
        )
        assert hashes.tolist() == [row[0] % 2**64 for row in cursor.fetchall()]
