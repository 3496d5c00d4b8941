"""What the read API returns: counts with the state of their window, where they come from and how old they are."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from pipeline.contract.cache_schema import Counts
from pipeline.contract.windows import WindowState

T = TypeVar("T")


class Source(StrEnum):
    """Which store answered."""

    REDIS = "redis"
    POSTGRES = "postgres"


class Order(StrEnum):
    """What campaigns are ranked by."""

    IMPRESSIONS = "impressions"
    CLICKS = "clicks"
    CTR = "ctr"


@dataclass(frozen=True)
class WindowCounts:
    """One window of a campaign, a category or of everything."""

    size_seconds: int
    start_seconds: int
    state: WindowState
    counts: Counts

    @property
    def ctr(self) -> float | None:
        """Clicks per impression; None without impressions."""
        return self.counts.ctr


@dataclass(frozen=True)
class NamedCounts:
    """A category or a campaign with its sums over a range."""

    name: str
    counts: Counts

    @property
    def ctr(self) -> float | None:
        """Clicks per impression; None without impressions."""
        return self.counts.ctr


@dataclass(frozen=True)
class Reading(Generic[T]):
    """A value with everything a reader needs to judge it.

    ``state`` is that of the newest window in it. ``watermark_ms`` is that of the job which wrote it, None if it hasn't
    published any. ``fallback_reason`` says why PostgreSQL answered where Redis was asked first.
    """

    value: T
    source: Source
    state: WindowState
    watermark_ms: int | None
    read_at_seconds: float
    fallback_reason: str | None = None

    @property
    def age_seconds(self) -> float | None:
        """How far the watermark is behind the clock of the reader: everything older is in the value."""
        if self.watermark_ms is None:
            return None
        return max(0.0, self.read_at_seconds - self.watermark_ms / 1000)


def ranked(
    rows: list[NamedCounts], order: Order, *, lowest: bool, limit: int | None, minimum_impressions: int
) -> tuple[NamedCounts, ...]:
    """The first ``limit`` rows by an order, ties by name; by CTR only rows that have one."""
    least = max(1, minimum_impressions) if order is Order.CTR else minimum_impressions
    chosen = [row for row in rows if row.counts.impressions >= least]
    sign = 1 if lowest else -1
    chosen.sort(key=lambda row: (sign * _rank(row, order), row.name))
    return tuple(chosen[:limit])


def _rank(row: NamedCounts, order: Order) -> float:
    if order is Order.CTR:
        return row.ctr or 0.0
    return row.counts.clicks if order is Order.CLICKS else row.counts.impressions
