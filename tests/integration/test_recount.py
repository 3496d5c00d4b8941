"""The whole way of a repaired dead letter, on a stack of old records whose windows are final at once."""

from __future__ import annotations

import json
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from compose.stack.layout import Layout
from compose.stack.lifecycle import temporary_stack
from compose.stack.ports import PortChoice
from pipeline.contract.codec import AdEvent, encode
from pipeline.contract.registry import find_schema_id
from pipeline.settings import Settings
from pipeline.store.db_connector import connect_owner, connect_reader
from pipeline.store.history import Mark, MarkKind, read_history
from tests.integration.commands import adctr_json
from tests.integration.sending import Record, send
from tests.integration.waiting import eventually

LONG_KEPT = {"ADCTR_CACHE_RETENTION_SECONDS": str(7 * 86_400)}
START = (int(time.time()) - 3 * 3_600) // 300 * 300
"""Three hours ago, where both window sizes begin."""
SPAN = [
    *("--from", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(START))),
    *("--to", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(START + 300))),
]


def event(name: str, **changes: Any) -> AdEvent:
    """An impression 30 s after the windows' start."""
    fields = {"event_time": (START + 30) * 1000, "user_id": "u", "ad_id": "a", "campaign_id": "shoes", "category": "x"}
    return AdEvent(event_id=name, event_type="IMPRESSION", **(fields | changes))


def send_letters(settings: Settings) -> None:
    """Two good events, one cut short and one an hour ahead; then time passes on every partition."""
    schema_id = find_schema_id(settings.schema_registry_url, settings.events_topic)
    values = [
        encode(event("good-1"), schema_id),
        encode(event("cut"), schema_id)[:-1],
        encode(event("ahead", event_time=(START + 3_600) * 1000), schema_id),
        encode(event("good-2"), schema_id),
    ]
    later = START + 7_200
    send(settings, [Record(value, (START + 31) * 1000) for value in values])
    for second in (later, later + 1):
        events = [
            event(f"later-{part}-{second}", event_time=second * 1000) for part in range(settings.events_partitions)
        ]
        send(settings, [Record(encode(each, schema_id), second * 1000, part) for part, each in enumerate(events)])


def differences(data_dir: Path, code: int) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    report = adctr_json(data_dir, "verify", code=code)
    return report, [(row["store"], row["what"]) for row in report["differences"]]


@pytest.mark.long
@pytest.mark.embedded
def test_mended_letters_are_recounted_and_verified(tmp_path: Path) -> None:
    """Export, repair, replay twice, recount, verify; then a recounted value is spoilt, and verify finds that alone."""
    data = tmp_path / "stack"
    with temporary_stack(data, PortChoice.AUTO, historic=True, say=print, environ=LONG_KEPT) as settings:
        assert Layout.of(data).record.exists()
        send_letters(settings)
        eventually("both are dead letters", lambda: adctr_json(data, "dlq", "list")["matched"] == 2, 120)
        before, none = differences(data, 0)
        assert (before["dead_lettered"], before["counted"], none) == (2, 10, [])

        exported = tmp_path / "letters.jsonl"
        assert adctr_json(data, "dlq", "export", "--out", str(exported))["exported"] == 2
        letters = [json.loads(line) for line in exported.read_text().splitlines()]
        for letter in letters:
            letter["event"] |= {"event_time": (START + 30) * 1000, "impression_id": None}
        exported.write_text("".join(json.dumps(letter) + "\n" for letter in letters))
        assert adctr_json(data, "dlq", "replay", str(exported), "--dry-run")["replayed"] == 2
        assert adctr_json(data, "dlq", "replay", str(exported))["replayed"] == 2
        again = adctr_json(data, "dlq", "replay", str(exported))
        assert (again["replayed"], again["unchanged"], again["rejected"]) == (0, 2, [])
        replayed, none = differences(data, 0)
        assert (replayed["replayed"], replayed["awaiting_recount"], none) == (2, 2, [])

        recounted = adctr_json(data, "recount", *SPAN, "--timeout", "60s")
        assert recounted["windows"] == {"60": 1, "300": 1}
        assert (recounted["cells"], recounted["changed"], recounted["cached_windows"]) == (2, 2, 2)
        after, none = differences(data, 0)
        assert (after["recounted"], after["awaiting_recount"], none) == (2, 0, [])
        assert counts(settings) == [(2, 4)]
        assert [(each.kind, each.events) for each in marks(settings) if each.done_seconds] == [
            (MarkKind.RECOUNT, 0),
            (MarkKind.REPLAY, 2),
        ]

        for statement, where in (
            (
                "UPDATE metrics_1min SET recounted_impressions = {} WHERE campaign_id = 'shoes'",
                "metrics_1min.recounted",
            ),
            ("UPDATE metrics_1min SET impressions = {} WHERE recounted_clicks IS NOT NULL", "metrics_1min"),
        ):
            with closing(connect_owner(settings)) as owner, owner, owner.cursor() as cursor:
                spoil(cursor, statement.format(5))
            assert differences(data, 1)[1] == [(f"postgres.{where}", "different")]
            with closing(connect_owner(settings)) as owner, owner, owner.cursor() as cursor:
                spoil(cursor, statement.format(4 if where.endswith("recounted") else 2))
        assert differences(data, 0)[1] == []


def marks(settings: Settings) -> tuple[Mark, ...]:
    """What the dashboard's chart marks."""
    with closing(connect_reader(settings)) as reader:
        return read_history(reader, START - 60, time.time()).marks


def spoil(cursor: psycopg2.extensions.cursor, statement: str) -> None:
    """Recounted rows only: those of later windows are left alone."""
    clause = " AND recount_revision IS NOT NULL" if "WHERE campaign_id" in statement else ""
    cursor.execute(statement + clause)
    assert cursor.rowcount == 1


def counts(settings: Settings) -> list[tuple[int, int]]:
    """(counted, recounted) impressions of the recounted minute."""
    with closing(connect_owner(settings)) as owner, owner.cursor() as cursor:
        cursor.execute("SELECT impressions, recounted_impressions FROM metrics_1min WHERE recount_revision IS NOT NULL")
        return cursor.fetchall()
