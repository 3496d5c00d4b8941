"""What a ledger says must be found: counts per window and campaign, and when each of them became due."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loadgen.ledger import CLICK, Bools, Int64s, Ledger
from pipeline.contract.cache_schema import Counts


@dataclass(frozen=True)
class CellSeries:
    """The counted events of one campaign in one window, in the order of publishing.

    As records are keyed by campaign and a campaign has one producer, the n-th of them is the n-th that is counted: when
    impressions + clicks of the cell reach n, event n is visible.
    """

    campaign: int
    window_start_seconds: int
    intended_ns: Int64s
    is_click: Bools


def cells(ledger: Ledger, size_seconds: int, which: Bools | None = None) -> Iterator[CellSeries]:
    """One series per (campaign, window), ordered by campaign, then window.

    ``which`` selects the events (a mask over the ledger's rows). Without it: acknowledged and countable ones. Sends
    that failed may still have reached the topic; a run with such has no exact series.
    """
    chosen = np.flatnonzero(ledger.acked & ledger.countable if which is None else which)
    if not len(chosen):
        return
    window = ledger.event_time_ms[chosen] // (size_seconds * 1000) * size_seconds
    campaign = ledger.campaign[chosen]
    order = np.lexsort((window, campaign))  # stable: the order of publishing stays within a cell
    chosen, window, campaign = chosen[order], window[order], campaign[order]
    starts = np.flatnonzero(_changes(campaign) | _changes(window))
    for first, last in zip(starts, [*starts[1:], len(chosen)], strict=True):
        rows = chosen[first:last]
        yield CellSeries(
            campaign=int(campaign[first]),
            window_start_seconds=int(window[first]),
            intended_ns=ledger.intended_ns[rows],
            is_click=ledger.type[rows] == CLICK,
        )


def expected_counts(ledger: Ledger, size_seconds: int) -> dict[tuple[int, str, str], Counts]:
    """Counts by (window start in seconds, campaign, category) of the acknowledged events of a run."""
    header = ledger.header
    counts = {}
    for cell in cells(ledger, size_seconds):
        category = header.categories[header.campaign_category[cell.campaign]]
        clicks = int(cell.is_click.sum())
        key = (cell.window_start_seconds, header.campaigns[cell.campaign], category)
        counts[key] = Counts(len(cell.is_click) - clicks, clicks)
    return counts


def _changes(values: npt.NDArray[np.generic]) -> Bools:
    changed = np.ones(len(values), np.bool_)
    changed[1:] = values[1:] != values[:-1]
    return changed
