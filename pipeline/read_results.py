"""What the read API returns: counts with the state of their window, where they come from and how old they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from pipeline.contract.cache_schema import Counts
from pipeline.contract.windows import WindowState

T = TypeVar("T")
U = TypeVar("U")


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
class Ranking:
    """Which campaigns, and in which order: the first ``limit`` (None: all) that have at least the impressions."""

    order: Order = Order.IMPRESSIONS
    lowest: bool = False
    limit: int | None = 10
    minimum_impressions: int = 0

    @property
    def least_impressions(self) -> int:
        """By CTR only campaigns that have one are ranked."""
        return max(1, self.minimum_impressions) if self.order is Order.CTR else self.minimum_impressions


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
class Answer(Generic[T]):
    """What one store says, and the watermark of the job that wrote it (milliseconds; None: none published)."""

    value: T
    watermark_ms: int | None


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

    def map(self, change: Callable[[T], U]) -> Reading[U]:
        """Another value made of this one; all else is the same."""
        return Reading(
            change(self.value),
            self.source,
            self.state,
            self.watermark_ms,
            self.read_at_seconds,
            self.fallback_reason,
        )


def ranked(rows: list[NamedCounts], ranking: Ranking) -> tuple[NamedCounts, ...]:
    """Rows as ranked, ties by name."""
    chosen = [row for row in rows if row.counts.impressions >= ranking.least_impressions]
    sign = 1 if ranking.lowest else -1
    chosen.sort(key=lambda row: (sign * _rank(row, ranking.order), row.name))
    return tuple(chosen[: ranking.limit])


def _rank(row: NamedCounts, order: Order) -> float:
    if order is Order.CTR:
        return row.ctr or 0.0
    return row.counts.clicks if order is Order.CLICKS else row.counts.impressions
