"""What a profile says: what the traffic is like, and how its rate goes over time. Rate, length and seed come from
the command.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from loadgen.errors import LoadRefused
from loadgen.rate_curve import RateCurve


@dataclass(frozen=True)
class Profile:
    """What the events are like. Fractions are shares of all events, from 0 to 1.

    ``hot_share`` of all impressions go to the largest campaign (None: as its rank says). ``ads_per_campaign`` None: 1
    to 10 each, by the seed. ``click_fraction`` None: clicks follow impressions by their category's CTR; else so many of
    all events are clicks that belong to no impression. ``curve`` None: a steady rate.
    """

    name: str
    description: str = ""
    campaigns: int = 200
    zipf_exponent: float = 1.0
    hot_share: float | None = None
    ads_per_campaign: int | None = None
    click_fraction: float | None = None
    late_fraction: float = 0.0
    out_of_order_fraction: float = 0.0
    invalid_fraction: float = 0.0
    duplicate_fraction: float = 0.0
    curve: RateCurve | None = None

    def __post_init__(self) -> None:
        fractions = {name: getattr(self, name) for name in FLAG_FRACTIONS}
        for name, value in fractions.items():
            if not 0.0 <= value <= 1.0:
                raise LoadRefused(f"{name}={value}: must be from 0 to 1")
        if sum(fractions.values()) > 1.0:
            raise LoadRefused(f"{' + '.join(fractions)} = {sum(fractions.values()):g}: must be at most 1 in all")

    def changed(
        self,
        campaigns: int | None = None,
        late_fraction: float | None = None,
        out_of_order_fraction: float | None = None,
        invalid_fraction: float | None = None,
    ) -> Profile:
        """The same profile with some values replaced (None: as it is)."""
        given = {
            "campaigns": campaigns,
            "late_fraction": late_fraction,
            "out_of_order_fraction": out_of_order_fraction,
            "invalid_fraction": invalid_fraction,
        }
        changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        return replace(self, **changes)


FLAG_FRACTIONS = ("late_fraction", "out_of_order_fraction", "invalid_fraction")
"""What an event can be flagged with; it has at most one flag."""
