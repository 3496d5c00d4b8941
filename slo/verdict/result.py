"""What is said of one objective and of a whole run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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


def overall(verdicts: Iterable[Verdict]) -> Verdict:
    """Of several runs: a failure outweighs what is inconclusive, and that a pass."""
    said = set(verdicts)
    return next((each for each in (Verdict.FAIL, Verdict.INCONCLUSIVE) if each in said), Verdict.PASS)


class Scope(StrEnum):
    """What a verdict is a statement about."""

    PIPELINE = "the pipeline"
    """A pass says something about the next run, too: it needs an interval from blocks of time."""
    RUN = "this run"
    """What was measured in this run, and nothing beyond it."""


@dataclass(frozen=True)
class ObjectiveResult:
    """One objective in one run. ``value`` and ``objective`` are in ``unit``; None where there is no figure,
    or where the run did not compute the ceiling.

    ``interval`` is the confidence interval of the value: what the run shows beyond itself. ``in_run`` are the bounds
    between which a share lies in this run, as far as polls can tell. ``budget_spent`` is the part of the run's error
    budget that was used: 1.0 is all of it. ``void`` marks figures that mean nothing; the reason says why.
    ``needed_seconds`` is how long a run like this one has to be for a pass that holds beyond it; None if no length
    would do, or none is needed.
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
    in_run: tuple[float, float] | None = None
    needed_seconds: float | None = None


@dataclass(frozen=True)
class RunVerdict:
    """The verdict on a run and what it is made of."""

    verdict: Verdict
    objectives: Sequence[ObjectiveResult]
    scope: Scope = Scope.PIPELINE

    @classmethod
    def of(cls, objectives: Sequence[ObjectiveResult], scope: Scope = Scope.PIPELINE) -> RunVerdict:
        """One failure fails; else one inconclusive is inconclusive; and nothing judged is inconclusive too."""
        verdicts = {each.verdict for each in objectives}
        for decisive in (Verdict.FAIL, Verdict.INCONCLUSIVE):
            if decisive in verdicts:
                return cls(decisive, objectives, scope)
        return cls(Verdict.PASS if Verdict.PASS in verdicts else Verdict.INCONCLUSIVE, objectives, scope)

    def as_json(self) -> dict[str, Any]:
        """The keys that `adctr slo check --format json` promises."""
        judged = [asdict(each) for each in self.objectives]
        return {"verdict": self.verdict.value, "scope": self.scope.value, "objectives": judged}

    @property
    def words(self) -> str:
        """``pass``, or ``pass in this run``."""
        return self.verdict.value + (" in this run" if self.scope is Scope.RUN else "")
