"""The small translations at the edges: COPY's binary rows, letters' headers, lag, Flink's metrics, the report."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest

from pipeline.contract.cache_schema import Counts
from pipeline.contract.reasons import Reason
from pipeline.flink_rest import CheckpointNumbers, checkpoints_of, sum_of
from pipeline.topic_reader import OffsetRange
from slo.reconciliation.compare import Difference
from slo.reconciliation.fold import digest
from slo.reconciliation.raw_events import RowReader
from slo.reconciliation.report import MOST_PRINTED, Report, Unverifiable, to_json, to_text
from slo.reconciliation.topic import read_letter
from slo.reconciliation.wait_drained import lag, without_new_checkpoint

NOON = 1_767_268_800


def copy_stream(rows: list[tuple[int, int, bool]]) -> bytes:
    """What PostgreSQL sends for COPY (…) TO STDOUT (FORMAT binary): partition, offset, late, two times and a hash."""
    body = b"".join(
        struct.pack(">hiiiqi?iqiqiQ", 6, 4, partition, 8, offset, 1, late, 8, 0, 8, 0, 8, offset)
        for partition, offset, late in rows
    )
    return b"PGCOPY\n\xff\r\n\0" + bytes(8) + body + b"\xff\xff"


@pytest.mark.parametrize("chunk", [1, 7, 57, 1000])
def test_binary_copy_is_sorted_into_partitions_whatever_its_chunks(chunk: int) -> None:
    stream = copy_stream(
        [(0, 5, False), (1, 0, True), (0, 6, True), (0, 6, True), (0, 4, False), (0, 8, False), (9, 1, False)]
    )
    hashes = {0: np.array([5, 7, 7], np.uint64), 1: np.array([0], np.uint64)}
    reader = RowReader({0: OffsetRange(5, 8), 1: OffsetRange(0, 1)}, hashes)
    for at in range(0, len(stream), chunk):
        reader.write(stream[at : at + chunk])
    reader.flush()
    assert reader.stored[0].rows.tolist() == [1, 2, 0]
    assert reader.stored[0].late.tolist() == [False, True, False]
    assert reader.stored[0].altered.tolist() == [False, True, False]
    assert reader.stored[1].rows.tolist() == [1]
    assert reader.foreign_partitions == 1


LETTER = [
    ("__connect.errors.topic", b"ad-events"),
    ("__connect.errors.partition", b"3"),
    ("__connect.errors.offset", b"42"),
    ("__connect.errors.timestamp", b"1000"),
    ("__connect.errors.exception.message", b"not_an_event: truncated"),
    ("trace", b"t"),
]


def test_a_letter_tells_its_origin_and_keeps_the_record() -> None:
    expected = digest(b"k", b"v", [("trace", b"t")], 1000)
    assert read_letter(b"k", b"v", LETTER, "ad-events") == ((3, 42), expected, Reason.NOT_AN_EVENT)
    old = [header for header in LETTER if header[0] != "__connect.errors.exception.message"]
    assert read_letter(b"k", b"v", old, "ad-events") == ((3, 42), expected, None)


@pytest.mark.parametrize("missing", range(4))
def test_a_letter_without_a_full_origin_has_none(missing: int) -> None:
    assert read_letter(b"k", b"v", LETTER[:missing] + LETTER[missing + 1 :], "ad-events") is None


def test_a_letter_of_another_topic_is_not_ours() -> None:
    assert read_letter(b"k", b"v", LETTER, "other") is None


def test_lag_counts_only_what_is_missing_up_to_the_end() -> None:
    ends = {0: OffsetRange(0, 10), 1: OffsetRange(5, 5), 2: OffsetRange(5, 9)}
    assert lag("g", ends, {0: 7, 1: 0, 2: 0}).records == 3 + 0 + 4
    assert lag("g", ends, {0: 12, 1: 5, 2: 9}).records == 0


def test_flinks_metric_values_are_text() -> None:
    assert sum_of([{"id": "0.late", "value": "2"}, {"id": "1.late", "value": "0"}]) == 2


def checkpoints(*rows: tuple[int, str]) -> CheckpointNumbers:
    """From Flink's answer, the newest first, as it comes."""
    complete = [{"id": number, "status": status} for number, status in rows if status == "COMPLETED"]
    history = [{"id": number, "status": status} for number, status in rows]
    return checkpoints_of({"latest": {"completed": complete[0] if complete else None}, "history": history})


def test_a_checkpoint_under_way_is_begun_and_not_complete() -> None:
    assert checkpoints((8, "IN_PROGRESS"), (7, "COMPLETED")) == CheckpointNumbers(begun=8, complete=7)
    assert checkpoints() == CheckpointNumbers(begun=0, complete=0)


@pytest.mark.parametrize(
    ("store_now", "waiting"),
    [
        (((8, "IN_PROGRESS"), (7, "COMPLETED")), ["adctr-store"]),
        (((8, "COMPLETED"), (7, "COMPLETED")), ["adctr-store"]),  # was begun before: it may lack the last emissions
        (((9, "IN_PROGRESS"), (8, "COMPLETED")), ["adctr-store"]),
        (((9, "COMPLETED"), (8, "FAILED")), []),
    ],
)
def test_only_a_checkpoint_that_began_later_tells_that_all_is_written(
    store_now: tuple[tuple[int, str], ...], waiting: list[str]
) -> None:
    """Checkpoint 8 of the store job was under way; the live job's 4 is new."""
    before = {"adctr-live": checkpoints((3, "COMPLETED")), "adctr-store": checkpoints((8, "IN_PROGRESS"))}
    now = {"adctr-live": checkpoints((4, "COMPLETED")), "adctr-store": checkpoints(*store_now)}
    assert without_new_checkpoint(before, now) == waiting
    assert without_new_checkpoint(before, {}) == ["adctr-live", "adctr-store"], "a job that does not run"


def exact_report() -> Report:
    return Report(records=8, counted=5, dead_lettered=1, late=1, tombstones=1, verified={"postgres.metrics_1min": 2})


def test_the_promised_keys_are_there() -> None:
    values = json.loads(json.dumps(to_json(exact_report())))
    promised = ("records", "counted", "dead_lettered", "late", "tombstones", "duplicates", "differences", "exact")
    assert [values[key] for key in promised] == [8, 5, 1, 1, 1, 0, [], True]


def test_nothing_compared_is_not_exact() -> None:
    assert not Report().exact
    assert not Report(records=5, verified={"redis.cells.60": 0}).exact
    assert "nothing could be verified" in to_text(Report())


def test_a_window_with_a_cell_that_cannot_be_told_is_not_verified() -> None:
    """One window of each size, two doubtful cells in the first: that one goes, and once."""
    report = Report(records=5, verified={"redis.cells.60": 1, "redis.cells.300": 1})
    doubtful = [
        Difference("redis.cells.60", "different", window_seconds=60, window_start_seconds=NOON, campaign_id=name)
        for name in ("shoes", "hats")
    ]
    report.withdraw(doubtful)
    assert report.verified == {"redis.cells.60": 0, "redis.cells.300": 1}
    assert report.exact
    report.withdraw([Difference("redis.cells.300", "different", window_seconds=300, window_start_seconds=NOON)])
    assert not report.exact
    assert to_text(report).endswith("nothing could be verified: every window may have changed or expired")


def test_differences_are_shown_window_by_window_and_only_the_first_hundred() -> None:
    report = exact_report()
    for minute in (1, 0):
        where = {"window_seconds": 60, "window_start_seconds": NOON + 60 * minute, "campaign_id": "shoes"}
        report.found.add([Difference("redis.cells.60", "different", Counts(2, 1), Counts(1, 1), **where)])  # type: ignore[arg-type]
    report.found.add(Difference("postgres.raw_events", "missing", 1, 0, partition=0, offset=i) for i in range(150))
    lines = to_text(report).splitlines()
    first = lines.index("window 2026-01-01T12:00:00Z (60 s):")
    assert lines[first + 1] == (
        "  redis.cells.60, different, campaign 'shoes': expected 2 impressions 1 clicks, got 1 impressions 1 clicks"
    )
    assert lines[first + 2] == "window 2026-01-01T12:01:00Z (60 s):"
    assert sum(line.startswith("  ") and "expected" in line for line in lines) == MOST_PRINTED
    assert lines[-2:] == ["  … and 52 more", "NOT exact: 152 differences"]


def test_the_counts_of_a_difference_are_named_in_json() -> None:
    report = Report(records=5)
    report.found.add([Difference("redis.cells.60", "different", Counts(2, 1), Counts(1, 1))])
    (found,) = json.loads(json.dumps(to_json(report)))["differences"]
    assert (found["expected"], found["got"]) == ({"impressions": 2, "clicks": 1}, {"impressions": 1, "clicks": 1})


def test_what_could_not_be_verified_is_listed() -> None:
    report = exact_report()
    report.unverifiable.append(Unverifiable("redis", "expired, or about to", 60, (NOON, NOON + 60)))
    assert to_json(report)["unverifiable"][0]["windows"] == ["2026-01-01T12:00:00Z", "2026-01-01T12:01:00Z"]
    (line,) = [line for line in to_text(report).splitlines() if line.startswith("not verifiable")]
    span = "2026-01-01T12:00:00Z to 2026-01-01T12:01:00Z"
    assert line == f"not verifiable in redis: 2 windows of 60 s ({span}): expired, or about to"
