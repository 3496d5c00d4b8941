"""Acknowledged ⊆ topic ⊆ sent: a load run's ledger against the fold of the topic."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loadgen.ledger import UNKNOWN_OFFSET, Ledger
from loadgen.truth import cells
from pipeline.contract.cache_schema import ZERO, Counts
from slo.reconciliation.compare import MOST_LISTED, Difference, Differences
from slo.reconciliation.fold import Fold, IdCounter, Mark
from slo.reconciliation.tally import CellCounts

STORE = "ledger"


@dataclass(frozen=True)
class LedgerFindings:
    """What the comparison of one run came to. ``beyond`` and ``cut`` lie outside of the folded offsets.

    What is cut was removed by the topic's retention. What is beyond is lost: the ledger was read before the topic's end
    was fixed, so each of its offsets was below that end once.
    """

    run_id: str
    sent: int
    acknowledged: int
    failed: int
    on_topic: int
    beyond: int
    cut: int
    duplicates: int
    differences: Differences


def id_counter(ledger: Ledger) -> IdCounter:
    """A counter for the event ids of a run, to be given to the fold."""
    return IdCounter(ledger.run_id, int(ledger.seq.max()) + 1 if len(ledger.seq) else 0)


def check_ledger(ledger: Ledger, counter: IdCounter, fold: Fold, topic: str) -> LedgerFindings:
    """Compares a run's ledger with the topic; ``counter`` has seen every record of the fold."""
    found = Differences()
    if ledger.header.topic != topic:
        found.add([Difference(STORE, f"run {ledger.run_id} was sent to another topic", topic, ledger.header.topic)])
    duplicates = _check_sent(ledger, counter, found)
    beyond, cut, inside = _place(ledger, counter, fold, found)
    for partition in fold.ranges:
        rows = np.flatnonzero(inside & (ledger.partition == partition) & (ledger.offset != UNKNOWN_OFFSET))
        found.add(_check_acknowledged(ledger, fold, partition, rows))
    found.add(_check_windows(ledger, fold, inside))
    return LedgerFindings(
        run_id=ledger.run_id,
        sent=len(ledger.seq),
        acknowledged=int(ledger.acked.sum()),
        failed=int(ledger.failed.sum()),
        on_topic=int(counter.counts.sum()) + len(counter.foreign),
        beyond=beyond,
        cut=cut,
        duplicates=duplicates,
        differences=found,
    )


def _check_sent(ledger: Ledger, counter: IdCounter, found: Differences) -> int:
    """Every id on the topic was sent, and not more often than it stands there; returns the surplus."""
    sent = np.bincount(ledger.seq.astype(np.int64), minlength=len(counter.counts))
    duplicates = 0
    for seen in (counter.counts.astype(np.int64), counter.invalid.astype(np.int64)):
        surplus = np.flatnonzero(seen > sent)
        for seq in surplus[:MOST_LISTED].tolist():
            what = "repeated event id" if sent[seq] else "event that was never sent"
            found.add([Difference(STORE, what, int(sent[seq]), int(seen[seq]), event_id=f"{ledger.run_id}-{seq}")])
        found.add_unlisted(max(0, len(surplus) - MOST_LISTED))
        duplicates += int((seen - sent)[surplus].sum())
    for foreign in counter.foreign:
        found.add([Difference(STORE, "event that was never sent", 0, 1, event_id=foreign.decode())])
    return duplicates


def _place(
    ledger: Ledger, counter: IdCounter, fold: Fold, found: Differences
) -> tuple[int, int, npt.NDArray[np.bool_]]:
    """Acknowledged rows behind the fold's end, before its start (both counted), and within it (as a mask).

    What the topic cannot have any more is a difference, row by row. A row without an offset is within where its id is;
    otherwise it is lost, or cut where other rows of its partition are.
    """
    inside, behind, missing = (np.zeros(len(ledger.seq), dtype=np.bool_) for _ in range(3))
    placed = ledger.offset != UNKNOWN_OFFSET
    on_topic = ((counter.counts > 0) | (counter.invalid > 0))[ledger.seq]
    cut = 0
    for partition, offsets in fold.ranges.items():
        ours = ledger.acked & (ledger.partition == partition)
        behind |= ours & (ledger.offset >= offsets.end)
        inside |= ours & np.where(placed, (ledger.offset >= offsets.start) & (ledger.offset < offsets.end), on_topic)
        cut_here = int((ours & placed & (ledger.offset < offsets.start)).sum())
        # An invalid record may have no id to be found by.
        missing_here = ours & ~placed & ~on_topic & ~ledger.invalid
        if cut_here:
            cut += cut_here + int(missing_here.sum())
        else:
            missing |= missing_here
    foreign = ledger.acked & ~np.isin(ledger.partition, list(fold.ranges))
    for lost, what in (
        (behind, "acknowledged, but behind the topic's end"),
        (missing, "acknowledged at an unknown offset, but not on the topic"),
        (foreign, "acknowledged in a partition that doesn't exist"),
    ):
        rows = np.flatnonzero(lost)
        found.add(_acknowledged(ledger, row, what, 1, 0) for row in rows[:MOST_LISTED].tolist())
        found.add_unlisted(max(0, len(rows) - MOST_LISTED))
    return int(behind.sum()), cut, inside


def _check_acknowledged(ledger: Ledger, fold: Fold, partition: int, rows: npt.NDArray[np.intp]) -> Iterable[Difference]:
    """Each acknowledged event stands at its offset, with its id and the fate that the ledger promises."""
    at = ledger.offset[rows] - fold.ranges[partition].start
    marks = fold.marks[partition][at]
    promised = np.where(ledger.invalid[rows], Mark.INVALID, np.where(ledger.late[rows], Mark.LATE, Mark.COUNTED))
    for index in np.flatnonzero(marks != promised).tolist():
        names = Mark(int(promised[index])).name.lower(), Mark(int(marks[index])).name.lower()
        yield _acknowledged(ledger, int(rows[index]), "other fate than promised", *names)
    # An invalid record that does not decode has no id.
    readable = np.flatnonzero((marks == Mark.COUNTED) | (marks == Mark.LATE) | (fold.id_hashes[partition][at] != 0))
    prefix = ledger.run_id
    ids = [hash(f"{prefix}-{seq}".encode()) for seq in ledger.seq[rows[readable]].tolist()]
    wrong = readable[fold.id_hashes[partition][at[readable]] != np.asarray(ids, dtype=np.int64)]
    for index in wrong.tolist():
        yield _acknowledged(ledger, int(rows[index]), "acknowledged, but not at this offset", 1, 0)


def _acknowledged(ledger: Ledger, row: int, what: str, expected: int | str | None, got: int | str | None) -> Difference:
    return Difference(
        STORE,
        what,
        expected,
        got,
        partition=int(ledger.partition[row]),
        offset=int(ledger.offset[row]),
        event_id=f"{ledger.run_id}-{int(ledger.seq[row])}",
    )


def _check_windows(ledger: Ledger, fold: Fold, inside: npt.NDArray[np.bool_]) -> Iterable[Difference]:
    """No window of the topic holds less of a campaign than the run had acknowledged for it."""
    header = ledger.header
    windows: dict[int, CellCounts] = {}
    for series in cells(ledger, 60, inside & ledger.countable):
        start = series.window_start_seconds
        if start not in windows:
            windows[start] = fold.counted.window(60, start)
        cell = header.campaigns[series.campaign], header.categories[header.campaign_category[series.campaign]]
        clicks = int(series.is_click.sum())
        sent, have = Counts(len(series.is_click) - clicks, clicks), windows[start].get(cell, ZERO)
        if have.impressions < sent.impressions or have.clicks < sent.clicks:
            yield Difference(
                STORE,
                "fewer on the topic than acknowledged",
                sent,
                have,
                window_seconds=60,
                window_start_seconds=start,
                campaign_id=cell[0],
                category=cell[1],
            )
