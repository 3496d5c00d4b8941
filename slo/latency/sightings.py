"""What a poller keeps of its polls: 20 bytes per rise of a count, and the times of the polls."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from slo.latency.matching import Seconds, Sightings

CellKey = tuple[int, str, str]
"""(window start in unix seconds, campaign_id, category)"""


@dataclass
class CellNumbers:
    """Numbers cells in the order in which they are met."""

    numbers: dict[CellKey, int] = field(default_factory=dict)

    def number(self, key: CellKey) -> int:
        """The number of a cell, the same for the same cell ever after."""
        return self.numbers.setdefault(key, len(self.numbers))


class SightingRecorder:
    """Keeps the rises of every cell's count. Not for several threads at once."""

    def __init__(self, numbers: CellNumbers) -> None:
        self.numbers = numbers
        self.looks = array("d")
        """When each poll returned, unix seconds."""
        self.baseline: dict[int, int] = {}
        self._highest: dict[int, int] = {}
        self._peak: dict[int, int] = {}
        self._cell, self._count, self._seen_at = array("i"), array("q"), array("d")
        self._falls: list[tuple[int, int, int]] = []
        """How many sightings there were when a cell's count fell, the cell, and what it fell to."""

    def take_baseline(self, counts: Iterable[tuple[CellKey, int]]) -> None:
        """Counts that stand before the run: they belong to somebody else."""
        for key, count in counts:
            number = self.numbers.number(key)
            self.baseline[number] = self._highest[number] = count

    def look(self, at: float, counts: Iterable[tuple[CellKey, int]]) -> None:
        """Counts that were read at a time (unix seconds); unchanged and absent ones may be left out.

        A count that falls takes back what was visible above it: that is seen once it has returned.
        """
        self.looks.append(at)
        for key, count in counts:
            number = self.numbers.number(key)
            before = self._highest.get(number, 0)
            self._highest[number] = count
            if count < before:
                self._peak[number] = max(before, self._peak.get(number, 0))
                self._falls.append((len(self._cell), number, count))
            elif count > before:
                self._cell.append(number)
                self._count.append(count)
                self._seen_at.append(at)

    @property
    def counted(self) -> int:
        """Events seen so far, without the baseline."""
        return sum(self._highest.values()) - sum(self.baseline.values())

    @property
    def taken_back(self) -> int:
        """Events that were shown and are not shown any more."""
        return sum(max(0, peak - self._highest[number]) for number, peak in self._peak.items())

    def sightings(self) -> Sightings:
        """Everything seen so far, for `slo.latency.matching.match`; of what fell and returned, the return."""
        cell, count = np.array(self._cell, dtype=np.int64), np.array(self._count, dtype=np.int64)
        seen_at = np.array(self._seen_at, dtype=np.float64)
        for before, number, fell_to in self._falls:
            of_cell = cell[:before] == number
            count[:before][of_cell] = np.minimum(count[:before][of_cell], fell_to)
        if self._falls:  # what was taken back makes several sightings of one count: the first one stands
            _, first = np.unique(np.stack((cell, count)), axis=1, return_index=True)
            first.sort()
            cell, count, seen_at = cell[first], count[first], seen_at[first]
        return Sightings(cell, count, seen_at)

    def intervals(self) -> Seconds:
        """Seconds between one poll and the next: the error of each latency is below the one that it fell into."""
        return np.diff(np.array(self.looks, dtype=np.float64))
