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
    """Events per minute, cell and type.

    A key packs minute, cell number and click flag into 64 bits, so that a batch is counted by sorting integers.
    """

    def __init__(self, names: Names) -> None:
        self.names = names
        self._keys: list[Longs] = []
        self._counts: list[Longs] = []
        self._loose = 0

    def add(self, event_time_ms: Longs, cell: Longs, is_click: npt.NDArray[np.bool_]) -> None:
        """Counts a batch of events, one entry of each array per event."""
        if len(event_time_ms):
            key = (event_time_ms // (_BASE_MINUTES * 1000) << (_NAME_BITS + 1)) | (cell << 1) | is_click
            keys, counts = np.unique(key, return_counts=True)
            self._keys.append(keys)
            self._counts.append(counts)
            self._loose += len(keys)
            if self._loose > _COMPACT_AT:
                self._compact()

    def _compact(self) -> None:
        if len(self._keys) > 1:
            keys, counts = _summed(np.concatenate(self._keys), np.concatenate(self._counts))
            self._keys, self._counts = [keys], [counts]
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
        for cell, is_click, count in self._rows(start_seconds, start_seconds + size_seconds):
            cells[cell] = cells.get(cell, Counts(0, 0)) + (Counts(0, count) if is_click else Counts(count, 0))
        return cells

    def _rows(self, from_seconds: int, to_seconds: int) -> Iterator[tuple[Cell, bool, int]]:
        self._compact()
        if not self._keys:
            return
        keys = self._keys[0]
        first, last = (
            int(np.searchsorted(keys, seconds // _BASE_MINUTES << (_NAME_BITS + 1)))
            for seconds in (from_seconds, to_seconds)
        )
        for key, count in zip(keys[first:last].tolist(), self._counts[0][first:last].tolist(), strict=True):
            yield self.names.cells[(key >> 1) & (_NAME_LIMIT - 1)], bool(key & 1), count


def _summed(keys: Longs, counts: Longs) -> tuple[Longs, Longs]:
    """The distinct keys in order, with the sums of their counts."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    first = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    return ordered[first], np.add.reduceat(counts[order], first)
