"""Rows of a log as records and as rows of the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from loadgen.replay.mapping import RowMapping
from loadgen.replay.rows import Rejected, Row
from loadgen.replay.schedule import LogSchedule, RecordTimes
from loadgen.replay.times import time_reader
from loadgen.replay.traffic import ReplayTraffic, Timing
from loadgen.traffic import Prepared
from pipeline.contract.codec import SCHEMA_TEXT, AdEvent, Decoder
from pipeline.contract.partitioner import partition_of

MAPPING = RowMapping({"event_time": "t", "campaign_id": "c", "category": "k"}, "hit", time_reader("epoch_ms"))
DECODER = Decoder({7: SCHEMA_TEXT}.__getitem__)
T0 = 1_700_000_000_000


def _row(line: int, ms: int, campaign: str, category: str, hit: str = "0") -> Row:
    return Row(line, {"t": T0 + ms, "c": campaign, "k": category, "hit": hit})


def _prepare(rows: Sequence[Row | Rejected], timing: Timing) -> tuple[ReplayTraffic, Prepared]:
    traffic = ReplayTraffic(iter(rows), MAPPING, timing, "run1", 7, 4)
    prepared = traffic.next()
    assert prepared is not None
    assert traffic.next() is None
    return traffic, prepared


def test_a_clicked_row_is_two_events_at_one_time() -> None:
    """The click names its impression, and the ledger has both, numbered in the order of sending."""
    timing = Timing(LogSchedule(5_000_000_000, Fraction(2)), None)
    rows = [_row(2, 0, "a", "food", "1"), _row(3, 4_000, "b", "toys")]
    _, prepared = _prepare(rows, timing)
    events = [DECODER.decode(value) for value in prepared.values]
    assert events == [
        AdEvent("run1-0", "IMPRESSION", 5_000, "unknown", "unknown", "a", "food"),
        AdEvent("run1-1", "CLICK", 5_000, "unknown", "unknown", "a", "food", impression_id="run1-0"),
        AdEvent("run1-2", "IMPRESSION", 7_000, "unknown", "unknown", "b", "toys"),
    ]
    assert prepared.rows["seq"].tolist() == [0, 1, 2]
    assert prepared.rows["type"].tolist() == [0, 1, 0]
    assert prepared.rows["event_time_ms"].tolist() == [5_000, 5_000, 7_000]
    assert prepared.rows["intended_ns"].tolist() == [5_000_000_000, 5_000_000_000, 7_000_000_000]
    assert prepared.keys == [b"a", b"a", b"b"]
    assert prepared.partitions == [partition_of(key, 4) for key in prepared.keys]
    assert prepared.record_times_ms is None


def test_a_campaign_with_two_categories_is_two_cells() -> None:
    """As the windows count them."""
    rows = [_row(2, 0, "a", "food"), _row(3, 0, "a", "toys"), _row(4, 0, "a", "food")]
    _, prepared = _prepare(rows, Timing(None, None, lambda: 9_000_000))
    assert prepared.new_cells == [("a", "food"), ("a", "toys")]
    assert prepared.rows["campaign"].tolist() == [0, 1, 0]
    assert prepared.rows["event_time_ms"].tolist() == [9, 9, 9]


def test_with_times_of_its_own_a_record_keeps_the_logs() -> None:
    """Event time and record time are the log's; a row too far back is rejected by its line."""
    timing = Timing(None, RecordTimes(slack_ms=1_000, latest_ms=T0 + 10_000))
    rows = [_row(2, 5_000, "a", "food"), _row(3, 4_000, "a", "food"), _row(4, 3_999, "a", "food")]
    traffic, prepared = _prepare(rows, timing)
    assert prepared.record_times_ms == [T0 + 5_000, T0 + 4_000]
    assert prepared.rows["event_time_ms"].tolist() == [T0 + 5_000, T0 + 4_000]
    reason = "t is 1.001 s older than a row above it: at most 1 s; sort the log by time"
    assert traffic.rejects.listed == [Rejected(4, reason)]


def test_rejected_rows_stop_nothing() -> None:
    """Those that could not be read and those that mean nothing are told in one list; the numbers have no gap."""
    rows = [Rejected(2, "is not CSV"), _row(3, 0, "", "food"), _row(4, 0, "a", "food"), _row(5, 0, "a", "food")]
    traffic, prepared = _prepare(rows, Timing(None, None, lambda: 0))
    assert traffic.rejects.listed == [Rejected(2, "is not CSV"), Rejected(3, "c is empty")]
    assert prepared.rows["seq"].tolist() == [0, 1]


def test_a_stretch_without_a_good_row_is_no_end() -> None:
    """300 bad rows, then a good one: an empty batch comes between."""
    traffic = ReplayTraffic(
        iter([*(Rejected(line, "bad") for line in range(300)), _row(300, 0, "a", "food")]),
        MAPPING,
        Timing(None, None, lambda: 0),
        "run1",
        7,
        4,
    )
    sizes = []
    while (prepared := traffic.next()) is not None:
        sizes.append(len(prepared))
    assert sizes == [0, 1]
    assert traffic.rejects.total == 300
