"""One read for a whole page: counts per window and category, and per campaign and category over the whole range."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.cache.cache_commands import ask_counts, hash_of, shown_category, shown_cell
from pipeline.cache.cell_sums import summed
from pipeline.contract.cache_schema import ZERO, Cell, Counts, cells_key
from pipeline.store.metrics_queries import WindowRange


@dataclass(frozen=True)
class CategoryWindow:
    """One window; categories without a count in it are not there."""

    size_seconds: int
    start_seconds: int
    by_category: Mapping[str, Counts]


@dataclass(frozen=True)
class Breakdown:
    """Every window of a range, in order of time, and the sums over the range per cell (empty if not asked for)."""

    windows: tuple[CategoryWindow, ...]
    cells: Mapping[Cell, Counts]


def ask_breakdown(pipe: Any, windows: WindowRange, campaign_id: str | None, *, campaigns: bool) -> None:
    """One command per window: its cells (those of one campaign alone), or its categories."""
    for start in windows.starts:
        if campaigns and campaign_id is None:
            pipe.hgetall(cells_key(windows.size_seconds, start))
        else:
            ask_counts(pipe, windows.size_seconds, start, campaign_id, None)


def from_replies(
    windows: WindowRange, replies: Iterable[Any], campaign_id: str | None, *, campaigns: bool
) -> Breakdown:
    """What the replies to `ask_breakdown` say. Canaries are left out."""
    of_cells = campaigns or campaign_id is not None
    category_of = _category_of_cell if of_cells else shown_category
    hashes = [hash_of(reply) for reply in replies]
    by_window = {start: summed([cells], category_of) for start, cells in zip(windows.starts, hashes, strict=True)}
    return _breakdown(windows, by_window, summed(hashes, shown_cell) if campaigns else {})


def _category_of_cell(field: bytes) -> str | None:
    cell = shown_cell(field)
    return cell and cell[1]


def from_rows(windows: WindowRange, rows: Iterable[tuple[Any, ...]]) -> Breakdown:
    """Of the rows of `pipeline.store.metrics_queries.breakdown_query`, without their watermark."""
    by_window: dict[int, dict[str, Counts]] = defaultdict(dict)
    cells: dict[Cell, Counts] = {}
    for category, start, campaign, impressions, clicks in rows:
        if start is not None:
            by_window[start][category] = Counts(impressions, clicks)
        else:
            cells[campaign, category] = Counts(impressions, clicks)
    return _breakdown(windows, by_window, cells)


def joined(earlier: Breakdown, later: Breakdown) -> Breakdown:
    """Of two ranges that meet, the breakdown of both."""
    cells = dict(earlier.cells)
    for cell, counts in later.cells.items():
        cells[cell] = cells.get(cell, ZERO) + counts
    return Breakdown(earlier.windows + later.windows, cells)


def _breakdown(
    windows: WindowRange, by_window: Mapping[int, Mapping[str, Counts]], cells: Mapping[Cell, Counts]
) -> Breakdown:
    found = (CategoryWindow(windows.size_seconds, start, by_window.get(start, {})) for start in windows.starts)
    return Breakdown(tuple(found), cells)
