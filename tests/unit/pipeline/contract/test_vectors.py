"""Every committed test vector meets the fate that it states."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from pipeline.contract.codec import SCHEMA_TEXT, AdEvent, Decoder, UnknownSchemaId
from pipeline.contract.reasons import Reason
from pipeline.contract.rules import Fate, classify
from tests.vectors import make_writers
from tests.vectors.make_records import RECORDS_FILE, build

DOCUMENT = json.loads(RECORDS_FILE.read_text(encoding="utf-8"))


def _fetch(schema_id: int) -> str:
    if schema_id == DOCUMENT["schema_id"]:
        return SCHEMA_TEXT
    raise UnknownSchemaId(f"unknown schema id {schema_id}")


@pytest.mark.parametrize("record", DOCUMENT["records"], ids=lambda record: record["name"])
def test_vector(record: dict[str, object]) -> None:
    """Fate and reason are as stated; an event that counts or is late comes with its fields."""
    value = None if record["value"] is None else bytes.fromhex(str(record["value"]))
    record_time_ms = int(str(record["record_time_ms"]))
    fate, event, reason = classify(value, record_time_ms, Decoder(_fetch), DOCUMENT["allowed_lateness_seconds"])
    code = None if reason is None else Reason.in_text(reason)
    words = reason if code in (None, Reason.LATE) else str(reason).removeprefix(f"{code}: ")
    assert (fate, words) == (record["fate"], record["reason"])
    assert (code is None) == (fate in ("counted", "tombstone"))
    assert event is not None or fate in ("invalid", "tombstone")


@pytest.mark.parametrize("writer", make_writers.build(), ids=lambda writer: writer.name)
def test_writer(writer: make_writers.Writer) -> None:
    """The value is the stated event to a reader that knows the writer's schema, or a dead letter."""
    fate, event, _ = classify(bytes.fromhex(writer.value), make_writers.BASE_MS, Decoder(lambda _: writer.schema), 600)
    assert (fate is Fate.INVALID) == (writer.event is None)
    if writer.event is not None:
        assert event == AdEvent(**writer.event)


def test_the_committed_writers_are_what_the_script_makes() -> None:
    """Run ``python -m tests.vectors.make_writers`` after changing the script."""
    committed = json.loads(make_writers.WRITERS_FILE.read_text(encoding="utf-8"))["writers"]
    assert committed == [asdict(vector) for vector in make_writers.build()]


def test_the_committed_file_is_what_the_script_makes() -> None:
    """Run ``python -m tests.vectors.make_records`` after changing the script."""
    assert DOCUMENT["records"] == [asdict(vector) for vector in build()]


def test_there_are_enough_vectors_with_names_of_their_own() -> None:
    """Names identify a vector in a failing test, so they must differ."""
    names = [record["name"] for record in DOCUMENT["records"]]
    assert len(names) == len(set(names)) >= 25
