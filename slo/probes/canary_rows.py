"""Whose turn it is: from the counts of canaries to the latency of each. Pure; the clock is passed in.

A canary is due on every whole second and carries that second as its event time (`pipeline.canary`). The canaries of one
partition become visible in the order in which they were due. So when the count of cell (window w, _canary-<p>, _canary)
is seen at n at time t, the canaries due at w … w + n - 1 are visible by t.

What counts alone cannot tell is *which* canary is missing. One that was never sent (the canary's process was down)
makes each later canary of its minute look late by a second, and the minute's last one seem lost. That errs on the safe
side, and `CanaryRows.holes` tells afterwards that it has happened.

Canaries come at one moment of each second, and the live job fires early every 200 ms counted from a cell's first event.
So all canaries of a minute wait about equally long for the next firing, where other events wait for 0 to 200 ms: a
canary's latency may be off by one such interval either way. Single events are timed in a run (`slo.latency`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

WINDOW_SECONDS = 60
GIVE_UP_SECONDS = 30.0
"""A canary that is not visible by then counts as lost."""
BEHIND_AT_START = 2
"""So many canaries may be under way when a row is first seen; with more missing the row counts as having a hole."""

Cell = tuple[int, int]
"""(window start in unix seconds, partition)"""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A canary: the second it was due (unix), and after how many seconds it was visible; NaN if it was given up."""

    due: int
    latency: float
    partition: int
    seen_at: float


class CanaryRows:
    """The canaries of all partitions since ``began`` (unix seconds). Not for several threads at once."""

    def __init__(self, partitions: int, began: float) -> None:
        self._partitions = range(partitions)
        self._began = began
        self._first_window = _window_of(began)
        self._newest = self._first_window - WINDOW_SECONDS
        self._next: dict[Cell, int] = {}
        """Per window under way and partition the number (from 0) of the canary to become visible next."""
        self._unsettled: list[int] = []
        self._aligned: set[int] = set()
        self.skipped = 0
        """Minutes of a partition that had already begun with a hole when they were first seen."""
        self.holes_of: dict[Cell, int] = {}
        """How many canaries were missing when their minute was complete, where some were."""
        self.early = 0
        """Canaries seen before they were due, or beyond one a second: counted twice, or a clock that stepped."""

    def windows(self, now: float) -> list[int]:
        """The windows whose counts are wanted now, in order; none if every canary due has been seen."""
        return sorted({window for window, _ in self.due(now)})

    def due(self, now: float) -> dict[Cell, range]:
        """Per cell the seconds that are due and have not been seen."""
        self._open_windows(now)
        last = math.floor(now)
        return {
            (window, partition): range(window + number, min(last + 1, window + WINDOW_SECONDS))
            for (window, partition), number in self._next.items()
            if window + number <= last and number < WINDOW_SECONDS
        }

    def idle_seconds(self, now: float) -> float:
        """How long until a canary is due, if all that are due have been seen."""
        return 0.0 if self.due(now) else math.floor(now) + 1 - now

    def look(self, at: float, counts: Mapping[Cell, int]) -> list[Sighting]:
        """What the counts of some cells, read at ``at``, say that was not known before."""
        found = []
        for (window, partition), count in counts.items():
            if window == self._first_window and partition not in self._aligned:
                self._align(window, partition, count, at)
            found += self._visible((window, partition), count, at)
            found += self._given_up((window, partition), at)
        self._next = {cell: number for cell, number in self._next.items() if number < WINDOW_SECONDS}
        return found

    def _open_windows(self, now: float) -> None:
        while self._newest + WINDOW_SECONDS <= now:
            self._newest += WINDOW_SECONDS
            self._unsettled.append(self._newest)
            before = max(0, math.ceil(self._began) - self._newest)
            self._next |= {(self._newest, partition): before for partition in self._partitions}

    def _align(self, window: int, partition: int, count: int, at: float) -> None:
        """The minute in which it all began: what is visible already is somebody else's, if it looks complete."""
        self._aligned.add(partition)
        due = min(math.floor(at) - window + 1, WINDOW_SECONDS)
        if due - BEHIND_AT_START <= count <= due:
            self._next[window, partition] = count
        else:
            self.skipped += 1
            self._next[window, partition] = WINDOW_SECONDS

    def _visible(self, cell: Cell, count: int, at: float) -> list[Sighting]:
        first = self._next.get(cell, WINDOW_SECONDS)
        if count <= first:
            return []
        self._next[cell] = min(count, WINDOW_SECONDS)
        seconds = range(cell[0] + first, cell[0] + self._next[cell])
        seen = [Sighting(second, at - second, cell[1], at) for second in seconds]
        early = sum(each.latency < 0 for each in seen)
        if early:  # more counts than canaries: the rank of a later one says nothing before the next minute
            self.early += early
            self._next[cell] = WINDOW_SECONDS
        return seen

    def _given_up(self, cell: Cell, at: float) -> list[Sighting]:
        first = self._next.get(cell, WINDOW_SECONDS)
        seconds = range(cell[0] + first, min(cell[0] + WINDOW_SECONDS, math.floor(at - GIVE_UP_SECONDS) + 1))
        if not seconds:
            return []
        self._next[cell] = seconds.stop - cell[0]
        return [Sighting(second, math.nan, cell[1], at) for second in seconds]

    # --- minutes that are complete ----------------------------------------------------------------------------------

    def unsettled(self) -> list[int]:
        """Windows whose final counts have not been told to `settle` yet, in order."""
        return list(self._unsettled)

    def settle(self, window: int, counts: Mapping[int, int] | None) -> None:
        """The final counts of a window by partition; None where they are not known any more."""
        self._unsettled.remove(window)
        for partition, count in counts.items() if counts is not None else ():
            self.early += max(0, count - WINDOW_SECONDS)
            if window != self._first_window and count < WINDOW_SECONDS:
                self.holes_of[window, partition] = WINDOW_SECONDS - count

    @property
    def holes(self) -> int:
        """Canaries that were missing when their minutes were complete."""
        return sum(self.holes_of.values())


def _window_of(at: float) -> int:
    return math.floor(at) // WINDOW_SECONDS * WINDOW_SECONDS
