"""What the samples of one subject say, before anybody doubts them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from slo.spec.model import Objective
from slo.verdict.result import Verdict


@dataclass(frozen=True)
class Finding:
    """The fields are those of `slo.verdict.result.ObjectiveResult`."""

    verdict: Verdict
    value: float | None
    objective: float | None
    samples: int
    interval: tuple[float, float] | None = None
    budget_spent: float | None = None
    reason: str = ""
    void: bool = False
    in_run: tuple[float, float] | None = None
    needed_seconds: float | None = None

    def because(self, reason: str) -> Self:
        """The same with a reason."""
        return replace(self, reason=reason)


def enough(objective: Objective, found: Finding) -> Finding:
    """The same; inconclusive, but with its figures, where the samples are too few."""
    if found.samples >= objective.minimum.samples:
        return found
    reason = f"{found.samples:,} samples are too few: it takes {objective.minimum.samples:,}"
    return replace(found, verdict=Verdict.INCONCLUSIVE, reason=reason)
