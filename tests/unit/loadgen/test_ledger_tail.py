"""A ledger that is read while it is written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from loadgen.ledger import EVENT, LedgerHeader, LedgerWriter
from loadgen.ledger_tail import LedgerTail

HEADER = LedgerHeader("ab12", 1, "steady", 500.0, 1_700_000_000_000_000_000, "ad-events", 600, ["c0"], [0], ["news"])


@pytest.fixture
def ledger(tmp_path: Path) -> LedgerWriter:
    return LedgerWriter(tmp_path / "a.ledger", HEADER)


def counts(tail: LedgerTail) -> tuple[int, int, int, bool]:
    tail.read_on()
    return tail.planned, tail.acknowledged, tail.failed, tail.ended


def test_counts_grow_with_the_file(ledger: LedgerWriter) -> None:
    tail = LedgerTail(ledger.path)
    assert counts(tail) == (0, 0, 0, False)
    assert (tail.run_id, tail.rate, tail.start_seconds) == ("ab12", 500.0, 1_700_000_000.0)
    ledger.events(np.zeros(3, EVENT))
    assert counts(tail) == (3, 0, 0, False)
    ledger.answers([0, 1, 2], [0, -1, 3], [10, -5, 11])
    assert counts(tail) == (3, 2, 1, False)
    ledger.close(3)
    assert counts(tail) == (3, 2, 1, True)


def test_half_a_block_waits_for_the_rest(ledger: LedgerWriter) -> None:
    """Whatever the size of the piece that has reached the file."""
    ledger.events(np.zeros(2, EVENT))
    ledger.answers([0, 1], [0, 0], [10, 11])
    whole = ledger.path.read_bytes()
    part = ledger.path.with_name("part.ledger")
    part.write_bytes(b"")
    tail = LedgerTail(part)
    for size in range(len(whole)):
        part.write_bytes(whole[:size])
        assert counts(tail)[1] == 0
    part.write_bytes(whole)
    assert counts(tail) == (2, 2, 0, False)


def test_what_is_no_ledger_counts_nothing(tmp_path: Path) -> None:
    (tmp_path / "x.ledger").write_bytes(b"something else entirely")
    tail = LedgerTail(tmp_path / "x.ledger")
    assert counts(tail) == (0, 0, 0, False)
    assert tail.run_id == ""
