"""One name for the ledgers of several processes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from loadgen.ledger import EVENT, Events, LedgerError, LedgerHeader, LedgerWriter
from loadgen.ledger_index import create_index, read_ledgers


def _header(run_id: str, start_ns: int = 0) -> LedgerHeader:
    return LedgerHeader(run_id, 1, "steady", 10.0, start_ns, "ad-events", 600, ["a", "b"], [0, 0], ["food"])


def _rows(*seqs: int) -> Events:
    rows = np.zeros(len(seqs), EVENT)
    rows["seq"] = seqs
    rows["intended_ns"] = [seq * 100 for seq in seqs]
    rows["campaign"] = [seq % 2 for seq in seqs]
    return rows


def _write(path: Path, header: LedgerHeader, seqs: tuple[int, ...], *, clean: bool = True) -> None:
    ledger = LedgerWriter(path, header)
    ledger.events(_rows(*seqs))
    ledger.answers([seqs[0]], [3], [seqs[0] + 1000])
    if clean:
        ledger.close(len(seqs))
    else:
        ledger.abandon()


def test_the_parts_of_a_run_are_read_as_one(tmp_path: Path) -> None:
    """In the order of intended times, each answer with its event."""
    directory = create_index(tmp_path / "run.ledger")
    _write(directory / "0.ledger", _header("r"), (0, 2, 4))
    _write(directory / "1.ledger", _header("r"), (1, 3))
    (ledger,) = read_ledgers(tmp_path / "run.ledger")
    assert ledger.seq.tolist() == [0, 1, 2, 3, 4]
    assert ledger.offset.tolist() == [1000, 1001, -1, -1, -1]
    assert ledger.acked.tolist() == [True, True, False, False, False]
    assert ledger.ended_cleanly
    assert ledger.path == tmp_path / "run.ledger"


def test_a_part_that_was_killed_is_there_and_not_clean(tmp_path: Path) -> None:
    """What it sent counts. One killed before its header had sent nothing."""
    directory = create_index(tmp_path / "run.ledger")
    _write(directory / "0.ledger", _header("r"), (0, 2))
    _write(directory / "1.ledger", _header("r"), (1,), clean=False)
    (directory / "2.ledger").touch()
    (ledger,) = read_ledgers(tmp_path / "run.ledger")
    assert ledger.seq.tolist() == [0, 1, 2]
    assert not ledger.ended_cleanly


def test_several_runs_stay_apart(tmp_path: Path) -> None:
    """As those of locust's processes; a plain ledger is read as ever."""
    directory = create_index(tmp_path / "all.ledger")
    _write(directory / "a.ledger", _header("r1"), (0, 1))
    _write(directory / "b.ledger", _header("r2"), (0,))
    assert {each.run_id: len(each.seq) for each in read_ledgers(tmp_path / "all.ledger")} == {"r1": 2, "r2": 1}
    assert [each.run_id for each in read_ledgers(directory / "a.ledger")] == ["r1"]


def test_parts_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    """The same run with another start is another load."""
    directory = create_index(tmp_path / "run.ledger")
    _write(directory / "0.ledger", _header("r"), (0,))
    _write(directory / "1.ledger", _header("r", start_ns=5), (1,))
    with pytest.raises(LedgerError, match="different headers"):
        read_ledgers(tmp_path / "run.ledger")


def test_an_index_belongs_to_one_run(tmp_path: Path) -> None:
    """As a ledger does."""
    create_index(tmp_path / "run.ledger")
    with pytest.raises(FileExistsError):
        create_index(tmp_path / "run.ledger")
