"""Acknowledged ⊆ topic ⊆ sent, shown with ledgers of a handful of events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from loadgen.ledger import EVENT, INVALID, LATE, UNKNOWN_OFFSET, Ledger, LedgerHeader, LedgerWriter, read_ledger
from slo.reconciliation import ledger_check
from slo.reconciliation.ledger_check import LedgerFindings, check_ledger, id_counter
from tests.unit.slo.reconciliation.memory_topic import NOON_MS, Record, Topic, event, record

HEADER = LedgerHeader(
    run_id="a1b2",
    seed=1,
    profile="steady",
    rate=1.0,
    start_ns=NOON_MS * 1_000_000,
    topic="ad-events",
    allowed_lateness_seconds=600,
    campaigns=["shoes"],
    campaign_category=[0],
    categories=["sports"],
)
WriteLedger = Callable[..., Ledger]


@pytest.fixture
def write_ledger(tmp_path: Path) -> WriteLedger:
    """Writes a ledger of events (seq, flags) at noon and of acknowledgements (seq, partition, offset)."""

    def write(events: Sequence[tuple[int, int]], answers: Sequence[tuple[int, int, int]]) -> Ledger:
        path = tmp_path / "run.ledger"
        writer = LedgerWriter(path, HEADER)
        rows = np.zeros(len(events), EVENT)
        for row, (seq, flags) in zip(rows, events, strict=True):
            row["seq"], row["flags"], row["event_time_ms"] = seq, flags, NOON_MS
        writer.events(rows)
        if answers:
            writer.answers(*(list(column) for column in zip(*answers, strict=True)))
        writer.close(len(events))
        return read_ledger(path)

    return write


def findings(ledger: Ledger, *records: Record, first: int = 0, topic: str = "ad-events") -> LedgerFindings:
    folded = Topic()
    folded.add(0, *records)
    counter = id_counter(ledger)
    return check_ledger(ledger, counter, folded.fold(first=first, runs=[counter]), topic)


def named(found: LedgerFindings) -> list[tuple[str, str | None]]:
    return [(one.what, one.event_id) for one in found.differences.listed]


def run_event(seq: int) -> Record:
    return record(event(f"a1b2-{seq}"))


def test_a_run_whose_events_all_arrived(write_ledger: WriteLedger) -> None:
    ledger = write_ledger([(0, 0), (1, 0)], [(0, 0, 0), (1, 0, 1)])
    found = findings(ledger, run_event(0), run_event(1))
    assert (found.sent, found.acknowledged, found.on_topic, named(found)) == (2, 2, 2, [])


def test_an_event_that_was_sent_and_not_acknowledged_may_be_there_or_not(write_ledger: WriteLedger) -> None:
    ledger = write_ledger([(0, 0), (1, 0)], [(0, 0, 0)])
    assert named(findings(ledger, run_event(0))) == []
    assert named(findings(ledger, run_event(0), run_event(1))) == []


def test_an_acknowledged_event_of_unknown_offset_is_found_by_its_id(
    write_ledger: WriteLedger,
) -> None:
    ledger = write_ledger([(0, 0), (1, 0)], [(0, 0, 0), (1, 0, UNKNOWN_OFFSET)])
    found = findings(ledger, run_event(0), run_event(1))
    assert (found.acknowledged, found.cut, named(found)) == (2, 0, [])
    [lost] = named(findings(ledger, run_event(0)))
    assert lost == ("acknowledged at an unknown offset, but not on the topic", "a1b2-1")


def test_an_event_of_unknown_offset_may_be_cut_where_others_of_its_partition_are(write_ledger: WriteLedger) -> None:
    ledger = write_ledger([(0, 0), (1, 0), (2, 0)], [(0, 0, 0), (1, 0, UNKNOWN_OFFSET), (2, 0, 2)])
    found = findings(ledger, run_event(0), run_event(1), run_event(2), first=2)
    assert (found.cut, named(found)) == (2, [])


def test_an_acknowledged_event_that_is_not_there(write_ledger: WriteLedger) -> None:
    ledger = write_ledger([(0, 0), (1, 0)], [(0, 0, 0), (1, 0, 1)])
    found = named(findings(ledger, run_event(0), record(event("someone-else", "hats"))))
    assert ("acknowledged, but not at this offset", "a1b2-1") in found


def test_an_event_that_was_never_sent(write_ledger: WriteLedger) -> None:
    ledger = write_ledger([(0, 0), (2, 0)], [(0, 0, 0)])
    found = named(findings(ledger, run_event(0), run_event(1), run_event(7)))
    assert found == [("event that was never sent", "a1b2-1"), ("event that was never sent", "a1b2-7")]


def test_a_repeated_event_counts_again_and_is_a_difference(write_ledger: WriteLedger) -> None:
    ledger = write_ledger([(0, 0)], [(0, 0, 0)])
    found = findings(ledger, run_event(0), run_event(0))
    assert (named(found), found.duplicates) == ([("repeated event id", "a1b2-0")], 1)


def test_a_repetition_that_the_ledger_has_too_is_none(write_ledger: WriteLedger) -> None:
    ledger = write_ledger([(0, 0), (0, 0)], [(0, 0, 0), (0, 0, 1)])
    found = findings(ledger, run_event(0), run_event(0))
    assert (named(found), found.duplicates) == ([], 0)


def test_late_and_invalid_events_must_be_so_on_the_topic(write_ledger: WriteLedger) -> None:
    ledger = write_ledger([(0, LATE), (1, INVALID), (2, LATE)], [(0, 0, 0), (1, 0, 1), (2, 0, 2)])
    late = record(event("a1b2-0"), sent_ms=NOON_MS + 600_001)
    found = findings(ledger, late, Record(b"broken"), run_event(2))
    assert named(found) == [("other fate than promised", "a1b2-2")]


def ahead(event_id: str) -> Record:
    """Decodes, and is invalid: two minutes ahead of its record time."""
    return record(event(event_id, after_noon_ms=120_000), sent_ms=NOON_MS)


def test_ids_of_invalid_records_that_decode_are_checked_too(write_ledger: WriteLedger) -> None:
    """One twice, one that was never sent, and one that stands where another was acknowledged."""
    ledger = write_ledger([(0, INVALID), (1, INVALID)], [(0, 0, 0), (1, 0, 2)])
    found = findings(ledger, ahead("a1b2-0"), ahead("a1b2-0"), ahead("someone-else"), ahead("a1b2-9"))
    assert named(found) == [
        ("repeated event id", "a1b2-0"),
        ("event that was never sent", "a1b2-9"),
        ("acknowledged, but not at this offset", "a1b2-1"),
    ]
    assert found.duplicates == 1


def test_an_invalid_event_that_was_mended_and_sent_again_is_no_repetition(write_ledger: WriteLedger) -> None:
    ledger = write_ledger([(0, INVALID)], [(0, 0, 0)])
    assert named(findings(ledger, ahead("a1b2-0"), run_event(0))) == []


def test_an_event_with_another_time_than_the_ledger_says_is_missed_in_its_window(write_ledger: WriteLedger) -> None:
    ledger = write_ledger([(0, 0)], [(0, 0, 0)])
    moved = record(event("a1b2-0", after_noon_ms=60_000))
    (difference,) = findings(ledger, moved).differences.listed
    assert (difference.what, difference.campaign_id) == ("fewer on the topic than acknowledged", "shoes")


def test_what_retention_removed_is_counted_and_not_judged(write_ledger: WriteLedger) -> None:
    ledger = write_ledger([(0, 0), (1, 0)], [(0, 0, 0), (1, 0, 1)])
    found = findings(ledger, run_event(0), run_event(1), first=1)
    assert (found.cut, found.beyond, named(found)) == (1, 0, [])


def test_acknowledged_events_behind_the_end_of_the_topic_are_lost(write_ledger: WriteLedger) -> None:
    """The ledger was read first: the topic had them once, and recreating the topic has emptied it."""
    ledger = write_ledger([(0, 0), (1, 0), (2, 0)], [(0, 0, 0), (1, 0, 1), (2, 0, 2)])
    found = findings(ledger, run_event(0))
    lost = "acknowledged, but behind the topic's end"
    assert (found.beyond, named(found)) == (2, [(lost, "a1b2-1"), (lost, "a1b2-2")])


def test_lost_events_are_all_counted_and_the_first_ones_listed(
    write_ledger: WriteLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three behind the end and two in a partition that the topic does not have; one of each is listed."""
    monkeypatch.setattr(ledger_check, "MOST_LISTED", 1)
    ledger = write_ledger([(n, 0) for n in range(5)], [(0, 0, 0), (1, 0, 1), (2, 0, 2), (3, 9, 0), (4, 9, 1)])
    found = findings(ledger)
    assert (found.beyond, len(found.differences.listed), found.differences.total) == (3, 2, 5)


def test_the_ledger_of_another_topic_is_a_difference(write_ledger: WriteLedger) -> None:
    ledger = write_ledger([(0, 0)], [(0, 0, 0)])
    (difference,) = findings(ledger, run_event(0), topic="other").differences.listed
    assert (difference.what, difference.expected, difference.got) == (
        "run a1b2 was sent to another topic", "other", "ad-events",
    )  # fmt: skip
