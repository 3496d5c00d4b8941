"""Dead letters of the running stack: listed, shown, exported, repaired, replayed; `adctr verify` knows each step."""

from __future__ import annotations

import base64
import json
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipeline.contract.codec import AdEvent, encode
from pipeline.contract.registry import find_schema_id
from pipeline.store.db_connector import connect_owner
from slo.reconciliation.report import to_text
from slo.reconciliation.verify import reconcile
from tests.integration.commands import adctr, adctr_json
from tests.integration.sending import Origin, Record, send
from tests.integration.waiting import eventually

if TYPE_CHECKING:
    from tests.integration.conftest import RunningStack

EVIL = "<script>alert(1)</script>'; DROP TABLE raw_events; --\x1b[2J"


@dataclass(frozen=True)
class Sent:
    """Three bad records: an hour ahead of its record time, cut short, and no Avro at all."""

    campaign: str
    event: AdEvent
    record_time_ms: int
    ahead: Origin
    cut: Origin
    garbage: Origin

    @property
    def at(self) -> str:
        """The record time as an option takes it."""
        return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(self.record_time_ms / 1000))}Z"


@pytest.fixture(scope="module")
def sent(stack: RunningStack) -> Sent:
    settings = stack.settings
    schema_id = find_schema_id(settings.schema_registry_url, settings.events_topic)
    now_ms = int(time.time()) * 1000
    event = AdEvent(f"dlq-{uuid.uuid4().hex}", "CLICK", now_ms, "u", "a", f"dlq-{now_ms}", EVIL)
    whole = encode(event, schema_id)
    values = (
        encode(event._replace(event_time=now_ms + 3_600_000), schema_id),
        whole[: whole.index(EVIL.encode()) + 4],
        b'{"event_id": "as JSON"}',
    )
    origins = send(settings, [Record(value, now_ms, key=EVIL.encode()) for value in values])
    found = Sent(event.campaign_id, event, now_ms, *origins)
    eventually("all three are dead letters", lambda: len(listed(stack, found)) == 3, 60)
    return found


def listed(stack: RunningStack, sent: Sent, *options: str) -> dict[Origin, dict[str, object]]:
    """Letters of the second in which the three were sent, by origin."""
    until = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(sent.record_time_ms / 1000 + 1))}Z"
    report = adctr_json(stack.data_dir, "dlq", "list", "--from", sent.at, "--to", until, *options)
    ours = (sent.ahead, sent.cut, sent.garbage)
    rows = {(row["partition"], row["offset"]): row for row in report["letters"]}
    return {origin: row for origin, row in rows.items() if origin in ours}


def test_letters_are_listed_with_reason_origin_time_and_what_can_be_read(stack: RunningStack, sent: Sent) -> None:
    rows = listed(stack, sent)
    assert {origin: (row["stage"], row["complete"]) for origin, row in rows.items()} == {
        sent.ahead: ("TRANSFORMATION", True),
        sent.cut: ("VALUE_CONVERTER", False),
        sent.garbage: ("VALUE_CONVERTER", False),
    }
    assert all(row["record_time"] == sent.at.replace("Z", ".000Z") for row in rows.values())
    assert all(row["topic"] == "ad-events" and row["reason"] for row in rows.values())
    assert rows[sent.ahead]["event"]["category"] == EVIL  # type: ignore[index]
    assert rows[sent.cut]["event"]["campaign_id"] == sent.campaign  # type: ignore[index]
    assert rows[sent.garbage]["event"] == {}


def test_filters_choose_letters(stack: RunningStack, sent: Sent) -> None:
    assert set(listed(stack, sent, "--campaign", sent.campaign)) == {sent.ahead, sent.cut}
    assert set(listed(stack, sent, "--reason", "1 MINUTE after")) == {sent.ahead}
    assert set(listed(stack, sent, "--partition", "0")) == set()
    assert set(listed(stack, sent, "--campaign", EVIL)) == set()


def test_a_letter_is_shown_in_full_and_cannot_steer_the_terminal(stack: RunningStack, sent: Sent) -> None:
    origin = "/".join(map(str, sent.ahead))
    whole = adctr_json(stack.data_dir, "dlq", "show", origin)
    assert base64.b64decode(whole["key"]) == EVIL.encode()
    assert (whole["event"]["event_id"], whole["replayed"]) == (sent.event.event_id, False)
    shown = adctr(stack.data_dir, "dlq", "show", origin)
    assert shown.returncode == 0
    assert "\x1b" not in shown.stdout
    assert r"\x1b[2J" in shown.stdout
    nobody = adctr(stack.data_dir, "dlq", "show", "1/999999999")
    assert (nobody.returncode, "no dead letter of record 1/999999999" in nobody.stderr) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "1;DROP"], "must be PARTITION/OFFSET"),
        (["show", "../../etc/passwd"], "must be PARTITION/OFFSET"),
        (["list", "--from", "yesterday"], "must be a time with its zone"),
        (["list", "--from", "2026-01-01T00:00:00"], "must be a time with its zone"),
        (["replay"], "name a FILE"),
        (["replay", "/nowhere/at-all"], "cannot read it"),
        (["replay", "--set", "colour=red"], "must be FIELD=VALUE"),
        (["replay", "--set", "event_time='; --"], "whole milliseconds"),
        (["replay", "/dev/null", "--event-time", "record"], "a FILE says itself"),
    ],
)
def test_wrong_usage_is_refused(stack: RunningStack, arguments: list[str], message: str) -> None:
    ended = adctr(stack.data_dir, "dlq", *arguments)
    assert (ended.returncode, message in ended.stderr) == (2, True), ended.stderr
    assert "Traceback" not in ended.stderr


def test_mended_letters_are_replayed_once_and_verified(stack: RunningStack, sent: Sent, tmp_path: Path) -> None:
    """By flags the one that decodes; by hand the one that was cut; the third stays as it is. Then a row is spoilt."""
    flags = ("dlq", "replay", "--campaign", sent.campaign, "--event-time", "record")
    for dry_run, replayed in ((["--dry-run"], 1), ([], 1), ([], 0)):
        report = adctr_json(stack.data_dir, *flags, *dry_run, code=1)
        assert (report["replayed"], report["dry_run"]) == (replayed, bool(dry_run))
        assert [row["offset"] for row in report["rejected"]] == [sent.cut[1]]
    assert report["unchanged"] == 1

    exported = tmp_path / "letters.jsonl"
    adctr_json(
        stack.data_dir, "dlq", "export", "--out", str(exported), "--campaign", sent.campaign, "--reason", "declared"
    )
    line = json.loads(exported.read_text())
    line["event"] |= {"event_id": f"{sent.event.event_id}-2", "category": "mended"}
    exported.write_text(json.dumps(line) + "\n\nnonsense\n")
    report = adctr_json(stack.data_dir, "dlq", "replay", str(exported), code=1)
    assert (report["replayed"], report["late"]) == (1, 0)
    assert [row["line"] for row in report["rejected"]] == [3]
    assert report["recount"]["from"] <= sent.at < report["recount"]["to"]
    flagged = {origin: row["replayed"] for origin, row in listed(stack, sent).items()}
    assert flagged == {sent.ahead: True, sent.cut: True, sent.garbage: False}

    found = reconcile(stack.settings, [], 180)
    assert found.found.total == 0, to_text(found)
    assert (found.replayed, found.awaiting_recount) == (2, 2)

    with connect_owner(stack.settings) as owner, owner.cursor() as cursor:
        cursor.execute("DELETE FROM raw_events WHERE event_id = %s RETURNING *", (f"{sent.event.event_id}-2",))
        row = cursor.fetchone()
        assert row is not None
        owner.commit()
        spoilt = reconcile(stack.settings, [], 180)
        cursor.execute(f"INSERT INTO raw_events VALUES ({', '.join(['%s'] * len(row))})", row)  # noqa: S608
    assert {(one.store, one.what) for one in spoilt.found.listed if one.offset == sent.cut[1]} == {
        ("postgres.raw_events", "missing"),
        ("postgres.replayed_events", "has no row in raw_events"),
    }


def test_windows_that_are_not_final_are_not_recounted(stack: RunningStack, sent: Sent) -> None:
    until = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(sent.record_time_ms / 1000 + 60))}Z"
    ended = adctr(stack.data_dir, "recount", "--from", sent.at, "--to", until, "--timeout", "1s")
    assert ended.returncode == 3
    assert "has not made the 1-minute windows final" in ended.stderr
