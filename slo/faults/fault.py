"""A fault: something dies, hangs or is cut off under load; how soon the pipeline must be back, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, asdict, dataclass, field, replace
from statistics import median
from typing import Any

from slo.disturbances.action import Action
from slo.faults.reader import UNANSWERED
from slo.faults.recovery import NEVER, ONSET_SECONDS, Recovery
from slo.spec.model import Indicator
from slo.verdict.result import ObjectiveResult, Verdict

STORES = {Indicator.EVENT_TO_REDIS: "Redis", Indicator.EVENT_TO_POSTGRES: "PostgreSQL"}

SPARE_SECONDS = 15.0
"""The load goes on for so long beyond the limit, to see by how much it was missed."""


FEWEST_READS = 20
"""What five seconds of reading come to; fewer say nothing about whether readers were answered."""


@dataclass(frozen=True)
class Fault(Action):
    """An action with a limit of recovery.

    It begins ``begin_seconds`` after the load and lasts ``lasts_seconds``, or as long as its entry takes. What its
    context manager does on entry is part of the fault; on exit it only puts things right. ``recovers`` is the store
    whose recovery is held against ``limit_seconds``, counted from the fault's end: for Redis until the first fresh
    value, for PostgreSQL until nothing is late. Objectives in ``keeps`` must be kept all the time.
    """

    limit_seconds: float
    _: KW_ONLY
    recovers: Indicator = Indicator.EVENT_TO_REDIS
    keeps: frozenset[str] = frozenset()
    answers: bool = True
    """Readers must always get an answer, from one store or the other: one of them runs."""
    kills_generator: bool = False
    """An earlier load is killed, and the fault ends when the next one begins."""
    begin_seconds: float = 10.0
    watched_seconds: float = 0.0
    """The load goes on for at least so long after the fault's end, what its entry takes not counted."""
    onset_seconds: float = ONSET_SECONDS
    """How long the fault may take to show after its end; later trouble has another cause."""

    def with_limits_times(self, factor: float) -> Fault:
        """The same fault on a machine that is slower by ``factor`` (1 or more): limit and onset take so much longer."""
        return replace(self, limit_seconds=self.limit_seconds * factor, onset_seconds=self.onset_seconds * factor)

    @property
    def load_seconds(self) -> float:
        """How long the load runs."""
        return self.begin_seconds + self.lasts_seconds + max(self.watched_seconds, self.limit_seconds + SPARE_SECONDS)


@dataclass(frozen=True)
class FaultRun:
    """One run of a fault. Seconds count from the fault's end; None: it did not come while the run was watched.

    ``void`` says why the recovery could not be measured, ``broken`` why the pipeline is not back.
    """

    fault: Fault
    recovery_seconds: float | None
    recovery: Recovery = NEVER
    exact: bool = False
    differences: int = 0
    records: int = 0
    kept: Sequence[ObjectiveResult] = ()
    reads: Mapping[str, int] = field(default_factory=dict)
    """Who answered a reader, and how often; see `slo.faults.reader`."""
    void: str = ""
    broken: str = ""
    later_trouble_seconds: float | None = None
    """From the fault's end to events that were late again, too long after it to be part of the recovery."""

    @property
    def problems(self) -> list[str]:
        """What is wrong with the pipeline."""
        found = [self.broken] if self.broken else []
        if self.differences:
            found.append(f"{self.differences:,} differences")
        limit = self.fault.limit_seconds
        if not self.broken and not self.void:
            if self.recovery_seconds is None:
                found.append("did not recover while it was watched")
            elif self.recovery_seconds > limit:
                found.append(f"recovered after {self.recovery_seconds:.1f} s, limit {limit:g} s")
            elif self.recovery != NEVER and self.recovery.redis_caught_up_seconds is None:
                found.append("some events were not in Redis as long as it was watched")
        found += [f"{each.name} not kept: {each.reason}" for each in self.kept if each.verdict is Verdict.FAIL]
        unanswered = self.reads.get(UNANSWERED, 0)
        if self.fault.answers and unanswered:  # control: unanswered reads
            found.append(f"{unanswered:,} of {sum(self.reads.values()):,} reads got no answer from either store")
        return found

    @property
    def doubts(self) -> list[str]:
        """What could not be told."""
        found = [self.void] if self.void else []
        if self.later_trouble_seconds is not None:
            found.append(f"events were late again {self.later_trouble_seconds:.1f} s after the fault's end")
        if not self.exact and not self.differences and not self.broken:
            found.append("no count could be verified")
        if self.fault.answers and not self.void and not self.broken and sum(self.reads.values()) < FEWEST_READS:
            found.append("hardly anybody read meanwhile")
        found += [
            f"{each.name}: {each.reason}" for each in self.kept if each.verdict not in (Verdict.PASS, Verdict.FAIL)
        ]
        return found

    @property
    def verdict(self) -> Verdict:
        """Pass: exact, back within the limit, and everything kept that had to be."""
        if self.problems:
            return Verdict.FAIL
        return Verdict.INCONCLUSIVE if self.doubts else Verdict.PASS


@dataclass(frozen=True)
class FaultResult:
    """All runs of a fault; its recovery is their median."""

    fault: Fault
    runs: Sequence[FaultRun]

    @property
    def exact(self) -> bool:
        """No run left a difference."""
        return all(run.exact for run in self.runs)

    @property
    def recovery_seconds(self) -> float | None:
        """Median of the runs; None where one of them has no figure."""
        found = [run.recovery_seconds for run in self.runs if run.recovery_seconds is not None]
        return median(found) if len(found) == len(self.runs) else None

    @property
    def verdict(self) -> Verdict:
        """Of several runs the median is held against the limit; every one must be exact and keep what it must."""
        verdicts = {run.verdict for run in self._at_the_median()}
        for decisive in (Verdict.FAIL, Verdict.INCONCLUSIVE):
            if decisive in verdicts:
                return decisive
        return Verdict.PASS

    @property
    def reasons(self) -> list[str]:
        """Why it is no pass, each once."""
        return list(dict.fromkeys(said for run in self._at_the_median() for said in (*run.problems, *run.doubts)))

    def _at_the_median(self) -> list[FaultRun]:
        middle = self.recovery_seconds
        return list(self.runs) if middle is None else [replace(run, recovery_seconds=middle) for run in self.runs]

    def as_json(self) -> dict[str, Any]:
        """The keys that `adctr chaos run --format json` promises, and more."""
        return {
            "name": self.fault.name,
            "verdict": self.verdict.value,
            "exact": self.exact,
            "recovery_seconds": self.recovery_seconds,
            "limit_seconds": self.fault.limit_seconds,
            "recovers": STORES[self.fault.recovers],
            "reasons": self.reasons,
            "runs": [_run_json(run) for run in self.runs],
        }


def _run_json(run: FaultRun) -> dict[str, Any]:
    return {
        "verdict": run.verdict.value,
        "recovery_seconds": run.recovery_seconds,
        **asdict(run.recovery),
        "exact": run.exact,
        "differences": run.differences,
        "records": run.records,
        "reads": dict(run.reads),
        "later_trouble_seconds": run.later_trouble_seconds,
        "kept": {each.name: each.verdict.value for each in run.kept},
    }
