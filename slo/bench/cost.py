"""What a load costs at one rate, number of campaigns and parallelism, and the curves made of such points."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from slo.bench.host import Machine
from slo.verdict import ObjectiveResult, RunVerdict, Verdict


@dataclass(frozen=True, order=True)
class Setting:
    """What is varied: events per second, campaigns, and subtasks of each job."""

    rate: float
    campaigns: int
    parallelism: int


def settings_to_measure(
    base: Setting, rates: Iterable[float], campaigns: Iterable[int], parallelism: Iterable[int]
) -> list[Setting]:
    """One curve for each: the other two stay as in ``base``. No setting comes twice."""
    curves = [
        *(Setting(rate, base.campaigns, base.parallelism) for rate in rates),
        *(Setting(base.rate, count, base.parallelism) for count in campaigns),
        *(Setting(base.rate, base.campaigns, count) for count in parallelism),
    ]
    return list(dict.fromkeys(curves))


@dataclass(frozen=True)
class CostPoint:
    """One load on a stack of its own. CPU and memory are by process, over ``seconds`` after the warm-up.

    ``live_cells`` stand in Redis at the end, ``differences`` were found by comparing every count; ``objectives`` are
    the verdicts of those that a run of this length can judge.
    """

    rate: float
    campaigns: int
    parallelism: int
    seconds: float
    rate_achieved: float
    send_delay_p99_seconds: float | None
    cpu_seconds: Mapping[str, float]
    memory_bytes: Mapping[str, int]
    checkpoint_bytes: float | None
    redis_bytes: float | None
    live_cells: int
    event_to_redis_p99_seconds: float | None
    event_to_postgres_p99_seconds: float | None
    differences: int
    objectives: Mapping[str, str]

    @property
    def cpu_seconds_per_million(self) -> dict[str, float]:
        """CPU seconds per million events, by process."""
        millions = self.rate_achieved * self.seconds / 1e6
        return {name: used / millions for name, used in self.cpu_seconds.items()}

    def as_json(self) -> dict[str, Any]:
        """All figures."""
        return {**asdict(self), "cpu_seconds_per_million": self.cpu_seconds_per_million}


@dataclass(frozen=True)
class CostResult:
    """All points, in the order in which they were taken."""

    points: Sequence[CostPoint]
    machine: Machine

    def verdict(self) -> RunVerdict:
        """Every count exact; costs have no objective of their own, those of the load are judged at each point."""
        wrong = sum(point.differences for point in self.points)
        verdict = Verdict.FAIL if wrong else Verdict.PASS
        counts = ObjectiveResult("counts_exact", verdict, float(wrong), 0.0, "differences", len(self.points))
        return RunVerdict.of([counts, self._kept()])

    def _kept(self) -> ObjectiveResult:
        verdicts = {verdict for point in self.points for verdict in point.objectives.values()}
        broken = [
            f"{name} at {point.rate:,.0f} events/s, {point.campaigns:,} campaigns, parallelism {point.parallelism}"
            for point in self.points
            for name, verdict in point.objectives.items()
            if verdict in (Verdict.FAIL.value, Verdict.INCONCLUSIVE.value)
        ]
        verdict = Verdict.PASS
        if broken:
            verdict = Verdict.FAIL if Verdict.FAIL.value in verdicts else Verdict.INCONCLUSIVE
        elif Verdict.PASS.value not in verdicts:
            verdict = Verdict.INCONCLUSIVE
        return ObjectiveResult(
            "objectives_kept", verdict, float(len(broken)), 0.0, "count", len(self.points), reason="; ".join(broken)
        )

    def as_json(self) -> dict[str, Any]:
        """Points, machine and verdict."""
        return {
            "benchmark": "cost",
            "machine": asdict(self.machine),
            "points": [point.as_json() for point in self.points],
            **self.verdict().as_json(),
        }
