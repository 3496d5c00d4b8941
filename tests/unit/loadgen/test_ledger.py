"""The ledger: what was written comes back, also from a file whose writer was killed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from loadgen.ledger import CLICK, EVENT, IMPRESSION, INVALID, LATE, Events, LedgerError, LedgerHeader, LedgerWriter
from loadgen.ledger import read_ledger as read

HEADER = LedgerHeader(
    run_id="run1",
    seed=1,
    profile="steady",
    rate=10.0,
    start_ns=1_700_000_000_000_000_000,
    topic="ad-events",
    allowed_lateness_seconds=600,
    campaigns=["cmp-0001", "cmp-0002"],
    campaign_category=[1, 0],
    categories=["food", "travel"],
)


def _rows(*seqs: int, flags: int = 0) -> Events:
    rows = np.zeros(len(seqs), EVENT)
    rows["seq"], rows["flags"], rows["type"] = seqs, flags, IMPRESSION
    return rows


def test_a_whole_run(tmp_path: Path) -> None:
    """Four events, of which one is acknowledged, one fails and two stay without an answer."""
    writer = LedgerWriter(tmp_path / "ledgers" / "a.ledger", HEADER)
    writer.events(_rows(0, 1))
    writer.answers([1], [3], [17])
    writer.events(_rows(2, 3))
    writer.answers([0], [-1], [-192])
    writer.close(attempted=4)
    ledger = read(tmp_path / "ledgers" / "a.ledger")
    assert ledger.header == HEADER
    assert ledger.seq.tolist() == [0, 1, 2, 3]
    assert ledger.acked.tolist() == [False, True, False, False]
    assert ledger.failed.tolist() == [True, False, False, False]
    assert (ledger.partition.tolist(), ledger.offset.tolist()) == ([-1, 3, -1, -1], [-1, 17, -1, -1])
    assert ledger.ended_cleanly


def test_events_that_were_planned_but_never_sent_are_left_out(tmp_path: Path) -> None:
    """A run stopped after two of three planned events says so in its last block."""
    writer = LedgerWriter(tmp_path / "a", HEADER)
    writer.events(_rows(0, 1, 2))
    writer.close(attempted=2)
    assert read(tmp_path / "a").seq.tolist() == [0, 1]


def test_flags(tmp_path: Path) -> None:
    """Late and invalid events aren't counted."""
    writer = LedgerWriter(tmp_path / "a", HEADER)
    for number, flags in enumerate((0, LATE, INVALID)):
        writer.events(_rows(number, flags=flags))
    writer.close(attempted=3)
    ledger = read(tmp_path / "a")
    assert ledger.late.tolist() == [False, True, False]
    assert ledger.invalid.tolist() == [False, False, True]
    assert ledger.countable.tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("lost_bytes", "rows"),
    [(0, 4), (1, 3), (EVENT.itemsize, 3), (EVENT.itemsize + 1, 2), (2 * EVENT.itemsize + 1, 2)],
)
def test_a_killed_writer_leaves_whole_rows(tmp_path: Path, lost_bytes: int, rows: int) -> None:
    """Wherever the file ends, the rows before are read, and the run is known not to have ended cleanly."""
    writer = LedgerWriter(tmp_path / "a", HEADER)
    writer.events(_rows(0, 1))
    writer.answers([0], [2], [5])
    writer.events(_rows(2, 3))
    writer.abandon()
    whole = (tmp_path / "a").read_bytes()
    (tmp_path / "a").write_bytes(whole[: len(whole) - lost_bytes])
    ledger = read(tmp_path / "a")
    assert ledger.seq.tolist() == [0, 1, 2, 3][:rows]
    assert ledger.acked.tolist()[:2] == [True, False]
    assert not ledger.ended_cleanly


def test_a_duplicate_has_an_answer_of_its_own(tmp_path: Path) -> None:
    """Number 0 is sent twice and acknowledged twice: the second answer belongs to the second row."""
    writer = LedgerWriter(tmp_path / "a", HEADER)
    writer.events(_rows(0, 1, 0))
    writer.answers([0, 1, 0], [1, 1, 1], [10, 11, 12])
    writer.close(attempted=3)
    assert read(tmp_path / "a").offset.tolist() == [10, 11, 12]


def test_an_existing_file_is_not_overwritten(tmp_path: Path) -> None:
    """A ledger belongs to one run."""
    LedgerWriter(tmp_path / "a", HEADER).close(attempted=0)
    with pytest.raises(FileExistsError):
        LedgerWriter(tmp_path / "a", HEADER)


@pytest.mark.parametrize("content", [b"", b"something else", b"ADCTRLG1", b"ADCTRLG1\x05\x00\x00\x00{}"])
def test_what_is_no_ledger_is_named(tmp_path: Path, content: bytes) -> None:
    """The message names the file."""
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(LedgerError, match=str(tmp_path / "a")):
        read(tmp_path / "a")


def test_an_empty_run(tmp_path: Path) -> None:
    """A run that was stopped before its first event."""
    LedgerWriter(tmp_path / "a", HEADER).close(attempted=0)
    ledger = read(tmp_path / "a")
    assert len(ledger.seq) == 0
    assert ledger.ended_cleanly


def test_types_are_small_numbers() -> None:
    """They are part of the file format."""
    assert (IMPRESSION, CLICK, LATE, INVALID) == (0, 1, 1, 2)


def test_campaigns_that_are_met_on_the_way(tmp_path: Path) -> None:
    """A replayed log's come behind the header's, each with its category; a new category gets the next index."""
    writer = LedgerWriter(tmp_path / "a", HEADER)
    writer.cells([("x", "food"), ("y", "toys")])
    writer.events(_rows(0))
    writer.cells([("x", "toys")])
    writer.close(attempted=1)
    header = read(tmp_path / "a").header
    assert header.campaigns == ["cmp-0001", "cmp-0002", "x", "y", "x"]
    assert header.campaign_category == [1, 0, 0, 2, 2]
    assert header.categories == ["food", "travel", "toys"]


def test_actual_send_times_are_those_of_the_slice_and_else_the_intended_ones(tmp_path: Path) -> None:
    """Two events handed over at 500 ns, one more at 900; of the fourth nobody noted it."""
    rows = _rows(0, 1, 2, 3)
    rows["intended_ns"] = [100, 200, 300, 400]
    writer = LedgerWriter(tmp_path / "a", HEADER)
    writer.events(rows)
    writer.sent([2], [500])
    writer.sent([3], [900])
    writer.close(attempted=4)
    assert read(tmp_path / "a").sent_ns.tolist() == [500, 500, 900, 400]
