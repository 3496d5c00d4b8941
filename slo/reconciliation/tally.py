"""Counts per (window, campaign, category), kept as sorted numpy arrays: 20 million events in tens of megabytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from pipeline.contract.cache_schema import Counts

Longs = npt.NDArray[np.int64]
Cell = tuple[str, str]
"""(campaign_id, category)"""
CellCounts = dict[Cell, Counts]

_NAME_BITS = 26
_NAME_LIMIT = 1 << _NAME_BITS
_BASE_MINUTES = 60
_COMPACT_AT = 2_000_000


class TooManyCells(RuntimeError):
    """More (campaign, category) pairs than a fold can hold."""


@dataclass
class Names:
    """Numbers the (campaign, category) pairs in the order in which they are met; shared by all tallies of a fold."""

    cells: list[Cell] = field(default_factory=list)
    _numbers: dict[Cell, int] = field(default_factory=dict)

    def number(self, cell: Cell) -> int:
        """The number of a cell, the same for the same cell ever after. Raises TooManyCells."""
        found = self._numbers.get(cell)
        if found is None:
            found = self._numbers[cell] = len(self.cells)
            self.cells.append(cell)
            if found >= _NAME_LIMIT:
                raise TooManyCells(f"more than {_NAME_LIMIT} pairs of campaign and category")
        return found


class Tally:
    """Events and their text bytes per minute, cell and type.

    A key packs minute, cell number and click flag into 64 bits, so that a batch is counted by sorting integers.
    """

    def __init__(self, names: Names) -> None:
        self.names = names
        self._keys: list[Longs] = []
        self._counts: list[Longs] = []
        self._bytes: list[Longs] = []
        self._loose = 0

    def add(self, event_time_ms: Longs, cell: Longs, is_click: npt.NDArray[np.bool_], text_bytes: Longs) -> None:
        """Counts a batch of events, one entry of each array per event."""
        if len(event_time_ms):
            key = (event_time_ms // (_BASE_MINUTES * 1000) << (_NAME_BITS + 1)) | (cell << 1) | is_click
            self._append(*_summed(key, np.ones(len(key), dtype=np.int64), text_bytes))

    def _append(self, keys: Longs, counts: Longs, text_bytes: Longs) -> None:
        self._keys.append(keys)
        self._counts.append(counts)
        self._bytes.append(text_bytes)
        self._loose += len(keys)
        if self._loose > _COMPACT_AT:
            self._compact()

    def _compact(self) -> None:
        if len(self._keys) > 1:
            summed = _summed(np.concatenate(self._keys), np.concatenate(self._counts), np.concatenate(self._bytes))
            self._keys, self._counts, self._bytes = [summed[0]], [summed[1]], [summed[2]]
        self._loose = 0

    @property
    def total(self) -> int:
        """Events counted."""
        return sum(int(counts.sum()) for counts in self._counts)

    def windows(self, size_seconds: int) -> list[int]:
        """Starts, in seconds, of the windows that hold anything, in order."""
        self._compact()
        if not self._keys:
            return []
        seconds = (self._keys[0] >> (_NAME_BITS + 1)) * _BASE_MINUTES
        return [int(start) for start in np.unique(seconds // size_seconds * size_seconds)]

    def window(self, size_seconds: int, start_seconds: int) -> CellCounts:
        """Counts of one window."""
        cells: CellCounts = {}
        for cell, is_click, count, _ in self._rows(start_seconds, start_seconds + size_seconds):
            cells[cell] = cells.get(cell, Counts(0, 0)) + (Counts(0, count) if is_click else Counts(count, 0))
        return cells

    def minute_rows(self, start_seconds: int) -> dict[tuple[Cell, bool], tuple[int, int]]:
        """(events, text bytes) per (cell, is click) of one minute."""
        rows = self._rows(start_seconds, start_seconds + _BASE_MINUTES)
        return {(cell, is_click): (count, text_bytes) for cell, is_click, count, text_bytes in rows}

    def _rows(self, from_seconds: int, to_seconds: int) -> Iterator[tuple[Cell, bool, int, int]]:
        self._compact()
        if not self._keys:
            return
        keys = self._keys[0]
        first, last = (
            int(np.searchsorted(keys, seconds // _BASE_MINUTES << (_NAME_BITS + 1)))
            for seconds in (from_seconds, to_seconds)
        )
        columns = (column[first:last].tolist() for column in (keys, self._counts[0], self._bytes[0]))
        for key, count, text_bytes in zip(*columns, strict=True):
            cell = self.names.cells[(key >> 1) & (_NAME_LIMIT - 1)]
            yield cell, bool(key & 1), count, text_bytes


def _summed(keys: Longs, counts: Longs, text_bytes: Longs) -> tuple[Longs, Longs, Longs]:
    """The distinct keys in order, with the sums of their counts and bytes."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    first = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    return ordered[first], np.add.reduceat(counts[order], first), np.add.reduceat(text_bytes[order], first)
