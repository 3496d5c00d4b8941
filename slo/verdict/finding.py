"""What the samples of one subject say, before anybody doubts them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from slo.spec.model import Objective
from slo.verdict.result import Verdict
from slo.verdict.units import duration


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


def enough(objective: Objective, found: Finding, seconds: float, warm_up: float = 0.0) -> Finding:
    """The same; inconclusive, but with its figures, where the samples are too few.

    ``seconds`` is the length of the run, ``warm_up`` the part of it that gave no samples.
    """
    least = objective.minimum.samples
    if found.samples >= least:
        return found
    reason, needed = f"{found.samples:,} samples are too few: it takes {least:,}", None
    if found.samples:
        needed = max(warm_up + (seconds - warm_up) * least / found.samples, found.needed_seconds or 0.0)
        reason += f", so a run like this one has to take {duration(needed)}"
    return replace(found, verdict=Verdict.INCONCLUSIVE, reason=reason, needed_seconds=needed)
