"""The vectorised reader gives the contract's answer or none."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest

from pipeline.contract.codec import SCHEMA_TEXT, AdEvent, Decoder, UnknownSchemaId, encode
from pipeline.contract.rules import Fate, classify
from pipeline.topic_reader import OffsetRange
from slo.reconciliation.fold import Fold, Mark, RecordBatch
from slo.reconciliation.row_hash import hash_events
from slo.reconciliation.scan import scan

VECTORS = json.loads((Path(__file__).parents[3] / "vectors" / "records.json").read_text(encoding="utf-8"))
MARKS = {
    Fate.COUNTED: Mark.COUNTED,
    Fate.LATE: Mark.LATE,
    Fate.INVALID: Mark.INVALID,
    Fate.TOMBSTONE: Mark.TOMBSTONE,
}


def fetch(schema_id: int) -> str:
    if schema_id != VECTORS["schema_id"]:
        raise UnknownSchemaId(f"unknown schema id {schema_id}")
    return SCHEMA_TEXT


def folded_marks(values: list[bytes | None], times: list[int]) -> list[int]:
    fold = Fold({0: OffsetRange(0, len(values))}, Decoder(fetch), 600)
    fold.add(RecordBatch(0, range(len(values)), times, values))
    marks: list[int] = fold.marks[0].tolist()
    return marks


def test_every_vector_gets_the_fate_that_the_contract_gives_it() -> None:
    rows = VECTORS["records"]
    values = [None if row["value"] is None else bytes.fromhex(row["value"]) for row in rows]
    got = folded_marks(values, [row["record_time_ms"] for row in rows])
    expected = [MARKS[Fate(row["fate"])] for row in rows]
    assert [(row["name"], Mark(mark)) for row, mark in zip(rows, got, strict=True)] == [
        (row["name"], mark) for row, mark in zip(rows, expected, strict=True)
    ]


def test_mutilated_records_get_the_fate_that_the_contract_gives_them() -> None:
    """20,000 events with bytes changed, cut off or added: never another answer than record by record."""
    rng = random.Random(4)
    values: list[bytes | None] = [mutilated(rng, index) for index in range(20_000)]
    time_ms = 1_700_000_000_000
    decoder = Decoder(fetch)
    expected = [MARKS[classify(value, time_ms, decoder, 600)[0]] for value in values]
    assert folded_marks(values, [time_ms] * len(values)) == [int(mark) for mark in expected]
    assert {Mark.COUNTED, Mark.LATE, Mark.INVALID} <= set(expected)


def mutilated(rng: random.Random, index: int) -> bytes:
    event = AdEvent(
        f"id-{index}",
        rng.choice(["CLICK", "IMPRESSION"]),
        1_700_000_000_000 - rng.choice([0, 600_000, 600_001, -60_000, -60_001]),
        "user" * rng.randrange(20),
        "ad",
        rng.choice(["campaign", "c" * 63, "c" * 64, "größe"]),
        rng.choice(["category", "x" * 256, "x" * 257]),
        impression_id=rng.choice([None, "", "id-1"]),
    )
    data = bytearray(encode(event, rng.choice([1, 1, 1, 2])))
    for _ in range(rng.choice([0, 0, 1, 2])):
        data[rng.randrange(len(data))] = rng.choice([0, 1, 2, 3, 4, 0x7F, 0x80, 0xFF, rng.randrange(256)])
    cut = rng.choice([0, 0, 0, 1, 5, len(data)])
    return bytes(data[: len(data) - cut]) + rng.choice([b"", b"", b"", b"\x00"])


def test_reads_the_columns_of_an_ordinary_event() -> None:
    value = encode(AdEvent("e-1", "CLICK", 1_700_000_000_123, "user", "ad", "shoes", "sports", impression_id="e-0"), 9)
    columns = scan([value], [9])
    assert columns.plain.tolist() == [True]
    assert columns.event_time_ms.tolist() == [1_700_000_000_123]
    assert columns.is_click.tolist() == [True]
    assert columns.data[columns.id_start[0] : columns.id_end[0]] == b"e-1"
    assert columns.data[columns.cell_start[0] : columns.cell_end[0]] == b"\x0ashoes\x0csports"


def test_rows_hash_the_same_whether_read_by_columns_or_one_by_one() -> None:
    """The events of the mutilated records that are events still."""
    rng = random.Random(5)
    values: list[bytes | None] = [mutilated(rng, index) for index in range(5_000)]
    time_ms = 1_700_000_000_000
    fold = Fold({0: OffsetRange(0, len(values))}, Decoder(fetch), 600)
    fold.add(RecordBatch(0, range(len(values)), [time_ms] * len(values), values))
    decoder = Decoder(fetch)
    fates = [classify(value, time_ms, decoder, 600)[:2] for value in values]
    stored = [at for at, (fate, _) in enumerate(fates) if fate in (Fate.COUNTED, Fate.LATE)]
    events = [event for at in stored if (event := fates[at][1]) is not None]
    assert fold.row_hashes[0][stored].tolist() == hash_events(events, [time_ms] * len(events)).tolist()
    assert len(set(fold.row_hashes[0][stored].tolist())) > 0.99 * len({repr(event) for event in events})
    plain = scan([value or b"" for value in values], [VECTORS["schema_id"]]).plain
    assert plain[stored].any()
    assert not plain[stored].all()


def test_leaves_a_schema_that_is_not_ours_to_the_decoder() -> None:
    value = encode(AdEvent("e-1", "CLICK", 1_700_000_000_123, "user", "ad", "shoes", "sports"), 9)
    assert not scan([value], [8]).plain.any()


@pytest.mark.parametrize("values", [[], [b""], [b"", b"\x00"], [b"\xff" * 400]])
def test_survives_values_that_are_no_events_at_all(values: list[bytes]) -> None:
    assert not np.any(scan(values, [1]).plain)
