"""What a store holds against what the fold says it must hold. Pure: data in, differences out.

A store is read after the topic's end was fixed, so it may already hold events behind that end. `settle` takes a second
fold, of exactly those later events: a value between the two folds is not a difference, it just can't be verified.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from pipeline.contract.cache_schema import ZERO, Counts
from pipeline.contract.reasons import Reason
from pipeline.topic_reader import OffsetRange
from slo.reconciliation.fold import Mark, Origin
from slo.reconciliation.row_hash import Hashes
from slo.reconciliation.tally import Cell, CellCounts, Tally

MOST_LISTED = 10_000
"""Differences kept with their details; beyond that they are only counted."""


@dataclass(frozen=True)
class Difference:
    """One thing that a store says and the topic doesn't, or the other way round."""

    store: str
    what: str
    expected: Counts | int | str | None = None
    got: Counts | int | str | None = None
    window_seconds: int | None = None
    window_start_seconds: int | None = None
    campaign_id: str | None = None
    category: str | None = None
    partition: int | None = None
    offset: int | None = None
    event_id: str | None = None


@dataclass
class Differences:
    """A list of differences that counts all and keeps the first ``MOST_LISTED``."""

    listed: list[Difference] = field(default_factory=list)
    total: int = 0

    def add(self, some: Iterable[Difference]) -> None:
        """Takes more differences in."""
        for difference in some:
            self.total += 1
            if len(self.listed) < MOST_LISTED:
                self.listed.append(difference)

    def add_unlisted(self, count: int) -> None:
        """Counts differences whose details nobody needs."""
        self.total += count


def compare_watermarks(store: str, published: Mapping[int, int | None], least_ms: int) -> list[Difference]:
    """Watermarks by window size, in unix milliseconds, that are missing or before ``least_ms``."""
    return [
        Difference(store, "watermark, by which windows close", f"at least {least_ms}", mark, window_seconds=size)
        for size, mark in published.items()
        if mark is None or mark < least_ms
    ]


def by_category(cells: Mapping[Cell, Counts]) -> CellCounts:
    """Sums per category, under cells with an empty campaign: what a categories hash must hold."""
    sums: CellCounts = {}
    for (_, category), counts in cells.items():
        sums[("", category)] = sums.get(("", category), ZERO) + counts
    return sums


def total(cells: Mapping[Cell, Counts]) -> Counts:
    """Sum over all cells."""
    return sum(cells.values(), ZERO)


def compare_window(
    store: str, size_seconds: int, start_seconds: int, expected: CellCounts, got: CellCounts
) -> list[Difference]:
    """Differences of one window, cell by cell; a window that is missing as a whole is one difference."""
    if expected and not got:
        where = _cell(store, "window missing", size_seconds, start_seconds, None, total(expected), None)
        return [where]
    found = []
    for cell in sorted(expected.keys() | got.keys()):
        want, have = expected.get(cell), got.get(cell)
        if want != have:
            what = "missing" if have is None else "unexpected" if want is None else "different"
            found.append(_cell(store, what, size_seconds, start_seconds, cell, want, have))
    return found


def _cell(
    store: str, what: str, size: int, start: int, cell: Cell | None, expected: Counts | None, got: Counts | None
) -> Difference:
    campaign_id, category = cell or (None, None)
    return Difference(
        store,
        what,
        expected,
        got,
        window_seconds=size,
        window_start_seconds=start,
        campaign_id=campaign_id or None,
        category=category,
    )


def settle(suspects: Sequence[Difference], later: Tally) -> tuple[list[Difference], list[Difference]]:
    """Splits window differences into real ones and those that events behind the fixed end explain."""
    real: list[Difference] = []
    explained: list[Difference] = []
    windows: dict[tuple[int, int], CellCounts] = {}
    for suspect in suspects:
        size, start = suspect.window_seconds, suspect.window_start_seconds
        if size is None or start is None or suspect.category is None:
            real.append(suspect)
            continue
        if (size, start) not in windows:
            cells = later.window(size, start)
            windows[size, start] = cells | by_category(cells)
        more = windows[size, start].get((suspect.campaign_id or "", suspect.category), ZERO)
        (explained if _lies_between(suspect, more) else real).append(suspect)
    return real, explained


def _lies_between(suspect: Difference, more: Counts) -> bool:
    low = suspect.expected if isinstance(suspect.expected, Counts) else ZERO
    have = suspect.got if isinstance(suspect.got, Counts) else ZERO
    return (
        low.impressions <= have.impressions <= low.impressions + more.impressions
        and low.clicks <= have.clicks <= low.clicks + more.clicks
    )


def at_least(suspects: Sequence[Difference]) -> tuple[list[Difference], list[Difference]]:
    """Splits differences of windows whose first events the topic no longer has: only too little is certainly wrong."""
    real: list[Difference] = []
    explained: list[Difference] = []
    for suspect in suspects:
        low = suspect.expected if isinstance(suspect.expected, Counts) else ZERO
        have = suspect.got if isinstance(suspect.got, Counts) else ZERO
        enough = have.impressions >= low.impressions and have.clicks >= low.clicks
        (explained if enough else real).append(suspect)
    return real, explained


@dataclass
class StoredRows:
    """Which rows of one partition raw_events holds: by offset how many, whether one says late, and is another row."""

    expected: Hashes
    rows: npt.NDArray[np.uint16]
    late: npt.NDArray[np.bool_]
    altered: npt.NDArray[np.bool_]

    @classmethod
    def none_of(cls, expected: Hashes) -> StoredRows:
        """Nothing read yet; ``expected`` has by offset what a row must hash to (`row_hash`)."""
        size = len(expected)
        return cls(expected, np.zeros(size, np.uint16), np.zeros(size, np.bool_), np.zeros(size, np.bool_))

    def add(self, at: npt.NDArray[np.int64], late: npt.NDArray[np.bool_], hashes: Hashes) -> None:
        """Takes rows in; ``at`` counts from the range's start."""
        np.add.at(self.rows, at, 1)
        self.late[at] |= late
        self.altered[at[hashes != self.expected[at]]] = True


def has_row(marks: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Which records raw_events must hold."""
    wanted: npt.NDArray[np.bool_] = (marks == Mark.COUNTED) | (marks == Mark.LATE)
    return wanted


def compare_rows(
    store: str,
    partition: int,
    first_offset: int,
    marks: npt.NDArray[np.uint8],
    stored: StoredRows,
    skip: npt.NDArray[np.bool_] | None = None,
) -> Differences:
    """Differences between the counted and late records of a partition and the rows stored for it."""
    wanted = has_row(marks)
    looked_at = np.ones(len(marks), dtype=np.bool_) if skip is None else ~skip
    is_late = marks == Mark.LATE
    cases: tuple[tuple[str, npt.NDArray[np.bool_], int | str, int | str | None], ...] = (
        ("missing", wanted & (stored.rows == 0), 1, 0),
        ("unexpected", ~wanted & (stored.rows > 0), 0, None),
        ("doubled", wanted & (stored.rows > 1), 1, None),
        ("altered", wanted & (stored.rows == 1) & stored.altered, "the record's own columns", "other columns"),
        ("wrong flag", wanted & (stored.rows > 0) & is_late & ~stored.late, "late", "counted"),
        ("wrong flag", wanted & (stored.rows > 0) & ~is_late & stored.late, "counted", "late"),
    )
    found = Differences()
    for what, hits, expected, got in cases:
        at = np.flatnonzero(hits & looked_at)
        for index in at[:MOST_LISTED].tolist():
            have = int(stored.rows[index]) if got is None else got
            found.add([Difference(store, what, expected, have, partition=partition, offset=first_offset + index)])
        found.add_unlisted(max(0, len(at) - MOST_LISTED))
    return found


def compare_letters(
    store: str,
    expected: Mapping[Origin, bytes],
    got: Mapping[Origin, AbstractSet[bytes]],
    ranges: Mapping[int, OffsetRange],
) -> list[Difference]:
    """Differences between the records that belong into a letter topic and its letters, by distinct origin.

    Letters are written at least once: equal ones of one origin are one. An expected digest that ends before the headers
    (`fold.digest`) is compared so far. Origins outside the ranges are ignored.
    """
    found = []
    for origin in sorted(expected.keys() | got.keys()):
        offsets = ranges.get(origin[0])
        if offsets is None or not offsets.start <= origin[1] < offsets.end:
            continue
        where = _origin(store, origin)
        if origin not in got:
            found.append(replace(where, what="missing", expected=1, got=0))
        elif origin not in expected:
            found.append(replace(where, what="unexpected", expected=0, got=1))
        elif {each[: len(expected[origin])] for each in got[origin]} != {expected[origin]}:
            found.append(replace(where, what="altered", expected="the record's own bytes", got="other bytes"))
    return found


def compare_reasons(
    store: str, expected: Mapping[Origin, Reason | None], got: Mapping[Origin, AbstractSet[Reason | None]]
) -> tuple[list[Difference], int]:
    """Letters that give another reason than the rules, and how many give none by code, as those of earlier versions."""
    found = []
    for origin in sorted(expected.keys() & got.keys()):
        others = sorted({each for each in got[origin] if each is not None} - {expected[origin]})
        if others:
            found.append(replace(_origin(store, origin), what="other reason", expected=expected[origin], got=others[0]))
    return found, sum(None in got[origin] for origin in expected.keys() & got.keys())


def deleted_letters(
    expected: Iterable[Origin], got: Container[Origin], times_ms: Mapping[Origin, int], kept_from_ms: int
) -> set[Origin]:
    """Of the records that belong into a letter topic those whose letter has been deleted by the topic's retention."""
    return {origin for origin in expected if origin not in got and times_ms[origin] < kept_from_ms}


def _origin(store: str, origin: Origin) -> Difference:
    return Difference(store, "", partition=origin[0], offset=origin[1])


def compare_tombstones(
    store: str, partition: int, first_offset: int, marks: npt.NDArray[np.uint8], stored: AbstractSet[int]
) -> list[Difference]:
    """Differences between the null values of a partition and the offsets stored as tombstones."""
    expected = {first_offset + int(at) for at in np.flatnonzero(marks == Mark.TOMBSTONE)}
    inside = {offset for offset in stored if first_offset <= offset < first_offset + len(marks)}
    return [
        Difference(store, "missing", 1, 0, partition=partition, offset=offset) for offset in sorted(expected - inside)
    ] + [
        Difference(store, "unexpected", 0, 1, partition=partition, offset=offset)
        for offset in sorted(inside - expected)
    ]
