"""A drill: something done to the pipeline during a check, and what the verdict must say of it, fixed in advance."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

from slo.disturbances.action import Action
from slo.recording import Recording
from slo.spec.model import Indicator
from slo.verdict import ObjectiveResult, RunVerdict, Verdict

Changes = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class ExpectedReading:
    """A figure that must come back: the highest value of an indicator lies between two bounds, in its unit."""

    indicator: Indicator
    least: float
    most: float


@dataclass(frozen=True)
class Drill(Action):
    """An action with a known answer. ``begin_seconds`` and ``end_seconds`` count from the start.

    Where ``lasts_seconds`` is infinite, and there is no end, it lasts until the check is judged.

    Objectives in ``must_fail`` and ``must_be_inconclusive`` must come out so; those in ``may_fail`` may come out
    anyhow; those in ``may_be_inconclusive`` must not fail; every other one must pass, if the drill is long enough to
    judge it.
    """

    _: KW_ONLY
    lasts_seconds: float = 18.0
    must_fail: frozenset[str] = frozenset()
    must_be_inconclusive: frozenset[str] = frozenset()
    may_fail: frozenset[str] = frozenset()
    may_be_inconclusive: frozenset[str] = frozenset()
    reading: ExpectedReading | None = None
    begin_seconds: float = 8.0
    seconds: float = 34.0
    rate: float = 5000.0
    changes: Changes = field(default_factory=dict)
    """Objectives scaled down to fit into minutes: name → field of `slo.spec.model.Objective` → value."""
    drawn: bool = False

    @property
    def end_seconds(self) -> float | None:
        """None: none."""
        return None if math.isinf(self.lasts_seconds) else self.begin_seconds + self.lasts_seconds

    @property
    def expected(self) -> str:
        """The answer in one line."""
        parts = [f"{name} fails" for name in sorted(self.must_fail)]
        return ", ".join(parts + [f"{name} inconclusive" for name in sorted(self.must_be_inconclusive)])


@dataclass(frozen=True)
class DrillResult:
    """The outcome of a drill. ``wrong`` says what the verdict should have said and did not; empty if it was right.

    ``doubts`` say what could not be told: objectives that have nothing to do with the sabotage and were inconclusive,
    or a check without a verdict; the verdict is None then.
    """

    drill: Drill
    verdict: RunVerdict | None
    wrong: Sequence[str] = ()
    doubts: Sequence[str] = ()

    @property
    def caught(self) -> bool:
        """Whether the verdict said all that it must, and nothing that it must not."""
        return not self.wrong and not self.doubts

    @property
    def inconclusive(self) -> bool:
        """Nothing was wrong, and something could not be told: the same drill may be caught another time."""
        return bool(self.doubts) and not self.wrong

    def as_json(self) -> dict[str, Any]:
        """The keys that `adctr slo drill --format json` promises, and why a drill was not caught."""
        judged = self.verdict.objectives if self.verdict else ()
        return {
            "name": self.drill.name,
            "expected": self.drill.expected,
            "got": {each.name: each.verdict.value for each in judged},
            "caught": self.caught,
            "wrong": list(self.wrong),
            "doubts": list(self.doubts),
        }


def examine(drill: Drill, verdict: RunVerdict, recording: Recording) -> DrillResult:
    """Holds a verdict against the answer."""
    found = {each.name: each for each in verdict.objectives}
    strays = _strays(drill, verdict.objectives)
    unsure = _between(found, drill.must_fail)
    wrong = [
        *_not_as(found, drill.must_fail - unsure.keys(), Verdict.FAIL),
        *_not_as(found, drill.must_be_inconclusive, Verdict.INCONCLUSIVE),
        *[_stray(each) for each in strays if each.verdict is Verdict.FAIL],
        *_misread(drill.reading, recording),
    ]
    if verdict.verdict is Verdict.PASS:
        wrong.append("the whole check passed")
    doubts = [_stray(each) for each in strays if each.verdict is not Verdict.FAIL]
    return DrillResult(drill, verdict, wrong, [*unsure.values(), *doubts])


def _not_as(found: dict[str, ObjectiveResult], names: frozenset[str], wanted: Verdict) -> list[str]:
    missing = [f"{name} was not judged at all" for name in sorted(names - found.keys())]
    results = [found[name] for name in sorted(names & found.keys())]
    return missing + [f"{each.name}: {each.verdict} instead of {wanted}" for each in results if each.verdict != wanted]


def _between(found: dict[str, ObjectiveResult], names: frozenset[str]) -> dict[str, str]:
    """What should have failed, and why nobody can tell: polls, or a late generator, leave both sides possible."""
    results = [found[name] for name in sorted(names & found.keys())]
    return {
        each.name: f"{each.name}: {each.reason}"
        for each in results
        if each.verdict is Verdict.INCONCLUSIVE
        and not each.void
        and each.in_run is not None
        and each.objective is not None
        and each.in_run[0] < each.objective <= each.in_run[1]
    }


def _strays(drill: Drill, results: Sequence[ObjectiveResult]) -> list[ObjectiveResult]:
    """What has nothing to do with the sabotage and still was not passed."""
    anyhow = drill.must_fail | drill.may_fail | drill.must_be_inconclusive
    allowed = {Verdict.FAIL: anyhow, Verdict.INCONCLUSIVE: anyhow | drill.may_be_inconclusive}
    return [each for each in results if each.verdict in allowed and each.name not in allowed[each.verdict]]


def _stray(result: ObjectiveResult) -> str:
    return f"{result.name}: {result.verdict}, which has nothing to do with it: {result.reason}"


def _misread(reading: ExpectedReading | None, recording: Recording) -> list[str]:
    if reading is None:
        return []
    series = recording.series.get(reading.indicator)
    if series is None or not len(series.values):
        return [f"{reading.indicator} has no samples"]
    highest = float(series.values.max())
    if reading.least <= highest <= reading.most:
        return []
    return [f"{reading.indicator} reads at most {highest:.2f}, wanted {reading.least:g} to {reading.most:g}"]
