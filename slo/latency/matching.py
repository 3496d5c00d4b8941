"""Count matching: which event made a count rise, and how long after it should have been sent.

Records are keyed by campaign, so the events of one cell (window, campaign, category) are counted in the order in which
they were published. When a reader sees a cell's count go from m to n at time t, events m+1 … n of that cell had become
visible by t, and each one's latency is t minus its *intended* send time: an event that the generator sent too late
counts its whole wait (coordinated omission; Gil Tene, "How NOT to Measure Latency").

So each latency is known as an interval. Its upper end counts from the intended send time to the poll that saw the
event; its lower end from the actual send time to the poll before, which did not see it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Longs = npt.NDArray[np.int64]
Seconds = npt.NDArray[np.float64]

_COUNT_BITS = 40
"""Counts below 10^12 and cell numbers below 8 million share one sortable 64-bit key."""


@dataclass(frozen=True)
class Expected:
    """The counted events of a run: the number of each event's cell and its intended send time (unix seconds).

    The events of one cell stand in the order in which they were published; cells may be interleaved.
    """

    cell: Longs
    intended: Seconds
    sent: Seconds | None = None
    """Actual send times; None where they are the intended ones."""


@dataclass(frozen=True)
class Sightings:
    """Each time a reader saw a cell's count above all it had seen before: cell number, count and time (unix seconds).

    In the order of time, so that the counts of one cell only rise.
    """

    cell: Longs
    count: Longs
    seen_at: Seconds


@dataclass(frozen=True)
class Latencies:
    """Per expected event, in the order of `Expected`: its latency in seconds, NaN where it never became visible.

    ``lowest`` is the lower end of each: never below 0, and NaN where the event never became visible.
    """

    intended: Seconds
    latency: Seconds
    lowest: Seconds
    surplus: int
    """Counted beyond what was expected: something else ran into the same cells, so the figures mean nothing."""

    @property
    def unseen(self) -> int:
        """Events that never became visible."""
        return int(np.count_nonzero(np.isnan(self.latency)))


def match(
    expected: Expected, sightings: Sightings, baseline: Mapping[int, int], polls: Seconds | None = None
) -> Latencies:
    """Latency of every expected event. ``polls`` are the times of all polls, those that saw nothing new included.

    ``baseline`` has the count of each cell before the run (absent: 0), which is added to the ranks of its events.
    Raises ValueError if the counts of a cell do not rise.
    """
    order = np.argsort(sightings.cell, kind="stable")
    keys = _key(sightings.cell, sightings.count)[order]
    if np.any(keys[1:] <= keys[:-1]):
        raise ValueError("sightings: the counts of a cell must rise from one sighting to the next")
    cells, of_cell, sizes = np.unique(expected.cell, return_inverse=True, return_counts=True)
    before = np.fromiter((baseline.get(cell, 0) for cell in cells.tolist()), dtype=np.int64, count=len(cells))
    wanted = _key(expected.cell, _ranks(expected.cell) + before[of_cell])
    found = np.searchsorted(keys, wanted, side="left")
    latency = np.full(len(wanted), np.nan)
    seen = _is_of_cell(keys, found, expected.cell)
    latency[seen] = sightings.seen_at[order][found[seen]] - expected.intended[seen]
    lowest = _lowest(expected, latency, polls)
    return Latencies(expected.intended, latency, lowest, _surplus(keys, cells, before + sizes))


def _lowest(expected: Expected, latency: Seconds, polls: Seconds | None) -> Seconds:
    """From the actual send to the poll before the one that saw the event; that event is older than this by then."""
    seen_at = expected.intended + latency
    sent = expected.intended if expected.sent is None else expected.sent
    before = seen_at
    if polls is not None and len(polls):
        # A hair less, as a sum of two floats may lie just above the poll that it stands for.
        at = np.searchsorted(polls, np.nan_to_num(seen_at, nan=np.inf) - 1e-6, side="left")
        before = np.where(at > 0, polls[np.maximum(at - 1, 0)], -np.inf)
    lowest: Seconds = np.maximum(before - sent, 0.0)
    lowest[np.isnan(latency)] = np.nan
    return lowest


def _key(cell: Longs, count: Longs) -> Longs:
    return (cell << _COUNT_BITS) | count


def _is_of_cell(keys: Longs, at: Longs, cell: Longs) -> npt.NDArray[np.bool_]:
    """Whether ``keys[at]`` exists and belongs to the cell."""
    inside = (at >= 0) & (at < len(keys))
    inside[inside] = (keys[at[inside]] >> _COUNT_BITS) == cell[inside]
    return inside


def _ranks(cell: Longs) -> Longs:
    """1 for the first event of its cell, 2 for the second, and so on."""
    order = np.argsort(cell, kind="stable")
    ordered = cell[order]
    first = np.searchsorted(ordered, ordered, side="left")
    ranks = np.empty(len(cell), dtype=np.int64)
    ranks[order] = np.arange(1, len(cell) + 1) - first
    return ranks


def _surplus(keys: Longs, cells: Longs, expected_last: Longs) -> int:
    last = np.searchsorted(keys, _key(cells + 1, np.zeros_like(cells)), side="left") - 1
    seen = _is_of_cell(keys, last, cells)
    highest = keys[last[seen]] & ((1 << _COUNT_BITS) - 1)
    return int(np.maximum(highest - expected_last[seen], 0).sum())
