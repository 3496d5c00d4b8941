"""What is said of one objective and of a whole run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """What is said of an objective, and of a run."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    NOT_JUDGED = "not judged"
    """The run was too short for this objective's minimum."""


@dataclass(frozen=True)
class ObjectiveResult:
    """One objective in one run. ``value`` and ``objective`` are in ``unit``; None where there is no figure,
    or where the run did not compute the ceiling.

    ``interval`` is the confidence interval of the value. ``budget_spent`` is the part of the run's error budget that
    was used: 1.0 is all of it. ``void`` marks figures that mean nothing; the reason says why.
    """

    name: str
    verdict: Verdict
    value: float | None
    objective: float | None
    unit: str
    samples: int
    interval: tuple[float, float] | None = None
    budget_spent: float | None = None
    reason: str = ""
    void: bool = False


@dataclass(frozen=True)
class RunVerdict:
    """The verdict on a run and what it is made of."""

    verdict: Verdict
    objectives: Sequence[ObjectiveResult]

    @classmethod
    def of(cls, objectives: Sequence[ObjectiveResult]) -> RunVerdict:
        """One failure fails; else one inconclusive is inconclusive; and nothing judged is inconclusive too."""
        verdicts = {each.verdict for each in objectives}
        for decisive in (Verdict.FAIL, Verdict.INCONCLUSIVE):
            if decisive in verdicts:
                return cls(decisive, objectives)
        return cls(Verdict.PASS if Verdict.PASS in verdicts else Verdict.INCONCLUSIVE, objectives)

    def as_json(self) -> dict[str, Any]:
        """The keys that `adctr slo check --format json` promises."""
        return {"verdict": self.verdict.value, "objectives": [asdict(each) for each in self.objectives]}
