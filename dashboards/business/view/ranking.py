"""Categories and campaigns, sorted by the ends of their 95 % intervals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dashboards.business.view.rate import Rate, rate_of
from pipeline.contract.cache_schema import ZERO, Cell, Counts


@dataclass(frozen=True)
class Row:
    """A category or a campaign. ``rate`` is None without impressions; ``categories`` is empty for a category."""

    name: str
    counts: Counts
    rate: Rate | None
    categories: tuple[str, ...] = ()


def categories(cells: Mapping[Cell, Counts]) -> list[Row]:
    """Every category of the range, sorted by the lower end of the 95 % interval, highest first."""
    sums: dict[str, Counts] = defaultdict(lambda: ZERO)
    for (_, category), counts in cells.items():
        sums[category] += counts
    return best_first(Row(name, counts, rate_of(counts)) for name, counts in sums.items())


def campaigns(cells: Mapping[Cell, Counts], category: str | None) -> list[Row]:
    """Every campaign of the range (of one category: with its counts there), sorted as `best_first`."""
    sums: dict[str, Counts] = defaultdict(lambda: ZERO)
    names: dict[str, set[str]] = defaultdict(set)
    for (campaign, of), counts in cells.items():
        if category in (None, of):
            sums[campaign] += counts
            names[campaign].add(of)
    return best_first(Row(name, counts, rate_of(counts), tuple(sorted(names[name]))) for name, counts in sums.items())


def best_first(rows: Iterable[Row]) -> list[Row]:
    """By the lower end of the 95 % interval: 1 click of 2 impressions (low end 9 %) is behind 20 of 100 (13 %)."""
    return sorted(rows, key=lambda row: (-row.rate.low if row.rate else 1.0, -row.counts.impressions, row.name))


def worst_first(rows: Iterable[Row]) -> list[Row]:
    """By the upper end of the 95 % interval: no click of 2 impressions (upper end 66 %) proves nothing. Rows without a
    rate have no place.
    """
    rated = [(row.rate.high, row) for row in rows if row.rate is not None]
    return [row for _, row in sorted(rated, key=lambda each: (each[0], -each[1].counts.impressions, each[1].name))]
