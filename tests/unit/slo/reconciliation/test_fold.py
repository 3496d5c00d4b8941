"""The fold: what the topic says every store must hold."""

from __future__ import annotations

import warnings

import pytest

from pipeline.contract.cache_schema import Counts
from pipeline.contract.rules import LATEST_RECORD_TIME_MS, fate_of_valid, record_time_in_range
from slo.reconciliation.compare import compare_letters
from slo.reconciliation.fold import Fold, IdCounter, Mark, OffsetRange, RecordBatch, digest
from slo.reconciliation.tally import Names, Tally
from tests.unit.slo.reconciliation.memory_topic import (
    LATENESS_SECONDS,
    NOON,
    NOON_MS,
    Record,
    Topic,
    decoder,
    event,
    record,
)


def test_every_record_has_one_fate(topic: Topic) -> None:
    fold = topic.fold()
    assert fold.records == 8
    assert [fold.total(mark) for mark in (Mark.COUNTED, Mark.LATE, Mark.INVALID, Mark.TOMBSTONE)] == [5, 1, 1, 1]
    assert fold.total(Mark.UNSEEN) == 0


def test_an_offset_without_a_record_is_no_record() -> None:
    """A transaction's marker takes offset 1."""
    records = [record(event("a-0")), record(event("a-1"))]
    fold = Fold({0: OffsetRange(0, 3)}, decoder(), LATENESS_SECONDS)
    fold.add(RecordBatch(0, [0, 2], [each.time_ms for each in records], [each.value for each in records]))
    assert (fold.offsets, fold.records, fold.total(Mark.UNSEEN)) == (3, 2, 1)


def test_windows_of_both_sizes_hold_the_counted_events_only(topic: Topic) -> None:
    counted = topic.fold().counted
    assert counted.windows(60) == [NOON, NOON + 60]
    assert counted.window(60, NOON) == {("shoes", "sports"): Counts(2, 1), ("hats", "fashion"): Counts(1, 0)}
    assert counted.window(60, NOON + 60) == {("shoes", "sports"): Counts(1, 0)}
    assert counted.windows(300) == [NOON]
    assert counted.window(300, NOON) == {("shoes", "sports"): Counts(3, 1), ("hats", "fashion"): Counts(1, 0)}


def test_names_that_are_not_plain_ascii_are_the_same_cell_however_they_are_read() -> None:
    topic = Topic()
    topic.add(0, record(event("1", "größe", "c")), record(event("2", "größe", "c")), record(event("3", "c" * 100, "c")))
    assert topic.fold().counted.window(60, NOON) == {("größe", "c"): Counts(2, 0), ("c" * 100, "c"): Counts(1, 0)}


def test_a_repeated_event_id_is_found_across_partitions_and_its_later_records_are_named() -> None:
    topic = Topic()
    topic.add(0, record(event("a-1")), record(event("a-2")))
    topic.add(1, record(event("a-2", after_noon_ms=5)), record(event("a-2", after_noon_ms=6)))
    assert topic.fold().repeated().tolist() == [[1, 0], [1, 1]]


def test_ids_that_counted_and_late_records_have_are_found() -> None:
    topic = Topic()
    topic.add(0, record(event("counted")), record(event("invalid", category="")))
    topic.add(1, record(event("late"), sent_ms=NOON_MS + 600_001))
    assert topic.fold().held(["counted", "late", "invalid", "nobody"]) == {"counted", "late"}


def test_ids_of_a_run_are_counted_by_number_and_left_to_its_ledger() -> None:
    topic = Topic()
    topic.add(0, *(record(event(name)) for name in ("a1b2-0", "a1b2-1", "a1b2-1", "a1b2-9", "a1b2-x", "other-1")))
    run = IdCounter("a1b2", 3)
    fold = topic.fold(runs=[run])
    assert run.counts.tolist() == [1, 2, 0]
    assert run.foreign == [b"a1b2-9", b"a1b2-x"]
    assert fold.repeated().tolist() == []


def test_a_fold_can_begin_behind_the_start_of_the_topic(topic: Topic) -> None:
    fold = topic.fold(first=1)
    assert fold.records == 6
    assert fold.counted.window(60, NOON) == {("shoes", "sports"): Counts(1, 1)}
    assert fold.digests[Mark.LATE].keys() == {(1, 1)}


def test_records_older_than_the_retention_of_raw_events_are_noted(topic: Topic) -> None:
    topic.add(0, record(event("new", after_noon_ms=120_000)))
    fold = topic.fold(dropped_before_ms=NOON_MS + 60_000)
    assert fold.dropped[0].tolist() == [True, True, True, False, True, True, False]


@pytest.mark.parametrize(
    "letter",
    [
        (b"other", b"value", (), 5),
        (None, b"value", (), 5),
        (b"key", b"value!", (), 5),
        (b"key", None, (), 5),
        (b"key", b"value", (("h", b"1"),), 5),
        (b"key", b"value", (), 6),
    ],
)
def test_a_digest_changes_with_everything_that_a_letter_must_keep(
    letter: tuple[bytes | None, bytes | None, tuple[tuple[str, bytes]], int],
) -> None:
    assert digest(*letter) != digest(b"key", b"value", (), 5)


def test_a_digest_does_not_change_with_the_order_of_headers_nor_with_null_ones() -> None:
    some = digest(b"k", b"v", [("a", b"1"), ("b", b"2")], 5)
    assert some == digest(b"k", b"v", [("b", b"2"), ("a", b"1"), ("c", None)], 5)


def test_a_tally_stays_right_when_it_is_compacted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slo.reconciliation.tally._COMPACT_AT", 2)
    topic = Topic()
    for number in range(10):
        topic.add(0, record(event(f"a-{number}", f"c{number % 3}")))
    fold = topic.fold()
    for number in range(10):
        fold.counted.add(*_one(fold.names, number))
    assert fold.counted.total == 20
    assert fold.counted.window(60, NOON) == {
        ("c0", "sports"): Counts(8, 0),
        ("c1", "sports"): Counts(6, 0),
        ("c2", "sports"): Counts(6, 0),
    }


def _one(names: Names, number: int) -> tuple[object, ...]:
    import numpy as np

    cell = names.number((f"c{number % 3}", "sports"))
    return np.array([NOON_MS]), np.array([cell]), np.array([False])


def test_an_empty_tally_has_no_windows() -> None:
    assert Tally(Names()).windows(60) == []
    assert Tally(Names()).window(60, 0) == {}


def test_reasons_of_invalid_records_are_counted() -> None:
    topic = Topic()
    topic.add(0, Record(b"\x01"), Record(b"\x02"), record(event("", "c")))
    assert topic.fold().reasons == {
        "not_framed: too short: 1 bytes, the header alone has 5": 2,
        "not_an_event: event_id is empty": 1,
    }


@pytest.mark.parametrize(
    "time_ms", [-1, 0, -(1 << 63), (1 << 63) - 1, LATEST_RECORD_TIME_MS, LATEST_RECORD_TIME_MS + 1]
)
def test_a_fold_by_columns_says_of_odd_record_times_what_the_rules_say(time_ms: int) -> None:
    """And no such time counts as the first of the remaining records."""
    fold = Fold({0: OffsetRange(0, 2)}, decoder(), LATENESS_SECONDS)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fold.add(RecordBatch(0, [0, 1], [time_ms, NOON_MS], [record(event("a-0")).value, record(event("a-1")).value]))
    expected = fate_of_valid(NOON_MS, time_ms, LATENESS_SECONDS)
    assert Mark(fold.marks[0][0]).name.lower() == expected
    assert fold.first_record_time_ms[0] == (time_ms if record_time_in_range(time_ms) else NOON_MS)


def test_a_record_whose_headers_cannot_be_read_is_compared_without_them() -> None:
    """A name that is not UTF-8 keeps Kafka's client for Python from giving any; Flink writes it with U+FFFD."""
    unreadable, letter = digest(b"k", b"v", None, 5), digest(b"k", b"v", [("\ufffd", b"1")], 5)
    ranges = {0: OffsetRange(0, 1)}
    assert compare_letters("letters", {(0, 0): unreadable}, {(0, 0): {letter}}, ranges) == []
    for other in (digest(b"k", b"w", [("\ufffd", b"1")], 5), digest(b"k", b"v", (), 6)):
        assert len(compare_letters("letters", {(0, 0): unreadable}, {(0, 0): {other}}, ranges)) == 1
    assert len(compare_letters("letters", {(0, 0): letter}, {(0, 0): {digest(b"k", b"v", (), 5)}}, ranges)) == 1
