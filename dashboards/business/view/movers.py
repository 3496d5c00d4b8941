"""Campaigns whose CTR changed by more than chance explains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dashboards.business.view.difference import Difference, of_rates
from dashboards.business.view.rate import Rate, rate_of
from pipeline.contract.cache_schema import Counts

MOST = 8


@dataclass(frozen=True)
class Mover:
    """A campaign's rates of two periods."""

    name: str
    now: Rate
    before: Rate
    change: Difference


def movers(campaigns: Mapping[str, tuple[Counts, Counts]], sign: int) -> list[Mover]:
    """Those that rose (1) or fell (-1), sorted by the end of the change's 95 % interval that is nearer to zero."""
    found = []
    for name, counts in campaigns.items():
        now, before = map(rate_of, counts)
        if now and before and (change := of_rates(now, before)).sign == sign:
            found.append(Mover(name, now, before, change))

    def certain(mover: Mover) -> float:
        return mover.change.low if sign > 0 else -mover.change.high

    return sorted(found, key=lambda each: (-certain(each), each.name))[:MOST]
