"""What a viewer has chosen to see. The address of the page holds it, so that a link shows the same."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

RANGES_SECONDS = {"15 min": 900, "30 min": 1800, "1 h": 3600, "3 h": 10_800, "6 h": 21_600, "24 h": 86_400}
DEFAULT_RANGE = "30 min"
"""As long as Redis keeps windows; what is longer comes partly from PostgreSQL."""
DAY_SECONDS = 86_400


class Compare(StrEnum):
    """What a period is compared with; the values are in the page's address."""

    PREVIOUS = "previous period"
    YESTERDAY = "same time yesterday"

    def offset_seconds(self, length_seconds: int) -> int:
        """How long before a period of that length the other one is."""
        return DAY_SECONDS if self is Compare.YESTERDAY else length_seconds


@dataclass(frozen=True)
class Selection:
    """None is all; without ``compare`` the range is compared with nothing."""

    range_name: str = DEFAULT_RANGE
    category: str | None = None
    campaign_id: str | None = None
    compare: Compare | None = None

    @property
    def range_seconds(self) -> int:
        """How long the range is."""
        return RANGES_SECONDS[self.range_name]

    @property
    def filtered(self) -> bool:
        """Whether a campaign or a category is chosen."""
        return self.category is not None or self.campaign_id is not None


def options(known: Iterable[str], chosen: str | None) -> list[str]:
    """What a filter offers: everything that was counted, and what a link names even if it was not."""
    return sorted({*known, *([chosen] if chosen else [])})
