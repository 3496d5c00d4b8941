"""What a run of a schedule came to: exact, back in time, no wrong read, nothing left running; or why not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from slo.faults.fault import FEWEST_READS
from slo.faults.recovery import NEVER, Recovery
from slo.schedules.schedule import Schedule, Strike
from slo.schedules.told import WrongRead
from slo.verdict.result import Verdict

RECOVERY_SECONDS = 90.0
"""From the last heal until Redis is fresh and nothing is late in PostgreSQL: the longest limit of a single fault, and
half of it again for faults that overlap."""
_MOST_LISTED = 10


@dataclass(frozen=True)
class StrikeOutcome:
    """The result of a strike; times are unix seconds, None where it did not come to that.

    ``missed`` says why it did nothing (what it wanted was not there, nobody felt it), ``failed`` what it found broken.
    """

    strike: Strike
    began_at: float | None = None
    ended_at: float | None = None
    missed: str = ""
    failed: str = ""

    @property
    def struck(self) -> bool:
        """Whether it did what it should."""
        return self.ended_at is not None and not self.missed and not self.failed

    @property
    def said(self) -> str:
        """In a word or a sentence."""
        return self.failed or self.missed or ("struck" if self.struck else "the load ended before it")


@dataclass(frozen=True)
class ScheduleRun:
    """One run. Recovery counts from the last heal, in seconds; None: it did not come while the run was watched.

    ``void`` says why the recovery could not be measured, ``broken`` why the pipeline is not back. ``healed`` is what
    had to be put right because a strike had not done so itself, ``left_running`` what ran when all should have ended.
    """

    schedule: Schedule
    limit_seconds: float
    outcomes: Sequence[StrikeOutcome] = ()
    recovery: Recovery = NEVER
    exact: bool = False
    differences: int = 0
    records: int = 0
    reads: Mapping[str, int] = field(default_factory=dict)
    wrong_reads: Sequence[WrongRead] = ()
    void: str = ""
    broken: str = ""
    healed: Sequence[str] = ()
    left_running: Sequence[str] = ()

    @property
    def recovery_seconds(self) -> float | None:
        """Until both stores were back."""
        redis, postgres = self.recovery.redis_fresh_seconds, self.recovery.postgres_caught_up_seconds
        return None if redis is None or postgres is None else max(redis, postgres)

    @property
    def problems(self) -> list[str]:
        """What is wrong with the pipeline."""
        found = [self.broken] if self.broken else []
        if self.differences:
            found.append(f"{self.differences:,} differences")
        found += self._late()
        if self.wrong_reads:  # control: wrong reads
            found.append(f"{len(self.wrong_reads):,} wrong reads, the first: {self.wrong_reads[0].text}")
        found += [each.failed for each in self.outcomes if each.failed]
        if self.left_running:
            found.append(f"left running: {', '.join(self.left_running)}")
        return found

    def _late(self) -> list[str]:
        if self.broken or self.void or not any(each.struck for each in self.outcomes):
            return []
        found = self.recovery_seconds
        if found is None:
            return ["did not recover while it was watched"]
        limit = self.limit_seconds
        return [f"recovered after {found:.1f} s, limit {limit:g} s"] if found > limit else []

    @property
    def doubts(self) -> list[str]:
        """What could not be told."""
        found = [self.void] if self.void else []
        if not self.exact and not self.differences and not self.broken:
            found.append("no count could be verified")
        if not self.broken and not any(each.struck for each in self.outcomes):
            found.append("no strike did anything")
        if not self.void and not self.broken and sum(self.reads.values()) < FEWEST_READS:
            found.append("hardly anybody read meanwhile")
        return found

    @property
    def verdict(self) -> Verdict:
        """Pass: exact, back within the limit, no wrong read, nothing left running."""
        if self.problems:
            return Verdict.FAIL
        return Verdict.INCONCLUSIVE if self.doubts else Verdict.PASS

    def as_json(self) -> dict[str, Any]:
        """The keys that `adctr chaos random --format json` promises, and more."""
        struck = self.schedule.only([each.strike for each in self.outcomes if each.struck])
        return {
            "verdict": self.verdict.value,
            "seed": self.schedule.seed,
            "seconds": self.schedule.seconds,
            "rate": self.schedule.rate,
            "strikes": [_strike_json(each) for each in self.outcomes],
            "overlaps": [list(pair) for pair in struck.overlaps],
            "exact": self.exact,
            "differences": self.differences,
            "records": self.records,
            "wrong_reads": len(self.wrong_reads),
            "wrong_reads_listed": [asdict(each) for each in self.wrong_reads[:_MOST_LISTED]],
            "reads": dict(self.reads),
            "recovery_seconds": self.recovery_seconds,
            "limit_seconds": self.limit_seconds,
            "recovery": asdict(self.recovery),
            "healed": list(self.healed),
            "reasons": [*self.problems, *self.doubts],
        }

    def as_text(self) -> str:
        """For a terminal: a line per strike, the figures, and why it is no pass."""
        lines = [_strike_line(each) for each in self.outcomes]
        recovery = "no figure" if self.recovery_seconds is None else f"{self.recovery_seconds:.1f} s"
        counts = "exact" if self.exact else f"{self.differences:,} differences" if self.differences else "not verified"
        reads = f"{len(self.wrong_reads):,} of {sum(self.reads.values()):,} reads wrong"
        lines.append(
            f"{self.records:,} records {counts}, {reads}, recovery {recovery} (limit {self.limit_seconds:g} s)"
        )
        lines += [f"put right at the end: {', '.join(self.healed)}"] if self.healed else []
        lines += [f"  {reason}" for reason in (*self.problems, *self.doubts)]
        struck = sum(each.struck for each in self.outcomes)
        lines.append(
            f"seed {self.schedule.seed}: {self.verdict.value}, {struck} of {len(self.outcomes)} strikes struck"
        )
        return "\n".join(lines)


def _strike_json(outcome: StrikeOutcome) -> dict[str, Any]:
    strike, began, ended = outcome.strike, outcome.began_at, outcome.ended_at
    return {
        "action": strike.action.name,
        "begin_seconds": strike.begin_seconds,
        "lasts_seconds": strike.lasts_seconds,
        "struck": outcome.struck,
        "said": outcome.said,
        "took_seconds": None if began is None or ended is None else round(ended - began, 3),
    }


def _strike_line(outcome: StrikeOutcome) -> str:
    strike = outcome.strike
    lasts = f"{strike.lasts_seconds:5.1f} s" if strike.lasts_seconds else " " * 7
    return f"{strike.begin_seconds:6.1f} s  {lasts}  {strike.action.name:<34} {outcome.said}"
