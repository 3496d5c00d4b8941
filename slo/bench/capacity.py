"""What is said of one trial of the search for capacity, and of the whole search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from slo.bench.capacity_search import Capacity, Outcome, Phase
from slo.bench.host import Machine
from slo.bench.lag_trend import LEAST_SHARE_OF_RATE, falls_behind
from slo.check import LoadSummary
from slo.latency.figures import LatencyFigures, median_of
from slo.verdict import ObjectiveResult, RunVerdict, Verdict

LEAST_CAPACITY = 60_000.0
"""Events per second, every sink on and the generator beside it."""
MOST_P99_AT_HALF_SECONDS = 0.3
LEAST_OF_RATE = 0.98
PERCENTILES = ("p50", "p99", "p999", "max")


@dataclass(frozen=True)
class Trial:
    """One load at one rate. Latencies are of the judged part alone; ``lag_slope`` is in records per second."""

    rate: float
    phase: Phase
    outcome: Outcome
    reason: str
    seconds: float
    rate_achieved: float | None = None
    send_delay_p99_seconds: float | None = None
    lag_slope: float | None = None
    event_to_redis: LatencyFigures | None = None
    event_to_postgres: LatencyFigures | None = None
    objectives: Mapping[str, str] | None = None
    """Verdicts by objective, those that were not judged included."""


def outcome_of(
    rate: float, load: LoadSummary, verdict: RunVerdict, lag_slope: float | None, send_delay_limit: float
) -> tuple[Outcome, str]:
    """What a trial says of its rate, and why.

    Jobs that fall behind break it, even if the generator was late: they could not keep up with fewer events.
    Apart from that a generator that missed its schedule says nothing about the rate that was asked for.
    """
    if falls_behind(lag_slope, rate):
        return (
            Outcome.BROKEN,
            f"lag grows by {lag_slope:,.0f} records/s: over {LEAST_SHARE_OF_RATE:.0%} of the rate",
        )
    p99 = load.send_delay.p99
    if p99 is None or p99 > send_delay_limit:
        said = "sent nothing" if p99 is None else f"was late itself: p99 send delay {p99 * 1000:,.0f} ms"
        return Outcome.INCONCLUSIVE, f"the generator {said}"
    if load.rate_achieved < LEAST_OF_RATE * rate:
        return Outcome.INCONCLUSIVE, f"the generator sent {load.rate_achieved:,.0f} events/s"
    if load.failed:
        return Outcome.INCONCLUSIVE, f"{load.failed:,} sends failed"
    against = [each for each in verdict.objectives if each.verdict is verdict.verdict]
    if verdict.verdict is Verdict.PASS:
        return Outcome.HELD, ""
    outcome = Outcome.BROKEN if verdict.verdict is Verdict.FAIL else Outcome.INCONCLUSIVE
    return outcome, "; ".join(f"{each.name}: {each.reason}" for each in against)


@dataclass(frozen=True)
class CapacityResult:
    """The search, with every trial in the order in which it ran. ``differences`` are those of the whole topic."""

    found: Capacity
    trials: Sequence[Trial]
    resolution: float
    differences: int
    machine: Machine

    def curve(self) -> list[dict[str, Any]]:
        """Event → Redis and event → PostgreSQL (medians over the trials of a rate, seconds), by rate."""
        return [self._point(rate) for rate in sorted({each.rate for each in self.trials if each.event_to_redis})]

    def _point(self, rate: float) -> dict[str, Any]:
        trials = [each for each in self.trials if each.rate == rate and each.event_to_redis]
        redis = [each.event_to_redis for each in trials if each.event_to_redis]
        postgres = [each.event_to_postgres for each in trials if each.event_to_postgres]
        p99 = [each.p99 for each in redis if each.p99 is not None]
        return {
            "rate": rate,
            **{name: median_of(redis, name) for name in PERCENTILES},
            "p99_spread": [min(p99), max(p99)] if p99 else None,
            "postgres_p50": median_of(postgres, "p50"),
            "postgres_p99": median_of(postgres, "p99"),
            "trials": len(trials),
            "held": sum(each.outcome is Outcome.HELD for each in trials),
        }

    def p99_at_half(self) -> float | None:
        """Event → Redis p99 at the highest rate tried up to half the capacity; None where there is none."""
        if self.found.rate is None:
            return None
        points = [point for point in self.curve() if point["rate"] <= self.found.rate / 2 and point["p99"] is not None]
        return float(points[-1]["p99"]) if points else None

    def _outcomes_at_half(self) -> set[Outcome]:
        """Outcomes of the trials at the rate that `p99_at_half` is of."""
        if self.found.rate is None:
            return set()
        rates = [each.rate for each in self.trials if each.rate <= self.found.rate / 2 and each.event_to_redis]
        return {each.outcome for each in self.trials if rates and each.rate == max(rates)}

    def verdict(self) -> RunVerdict:
        """Capacity and latency at half of it against their objectives; void where a count was wrong."""
        wrong = self.differences
        counts = ObjectiveResult(
            "counts_exact", Verdict.FAIL if wrong else Verdict.PASS, float(wrong), 0.0, "differences", 1
        )
        return RunVerdict.of([counts, self._judged_capacity(), self._judged_latency()])

    def _judged_capacity(self) -> ObjectiveResult:
        value, verdict, reason = self.found.rate, Verdict.PASS, ""
        if self.differences:
            verdict, reason = Verdict.INCONCLUSIVE, "void: not exact"
        elif value is None or value < LEAST_CAPACITY:
            broken = self.found.above is Outcome.BROKEN
            verdict = Verdict.FAIL if broken else Verdict.INCONCLUSIVE
            reason = f"below {LEAST_CAPACITY:,.0f}" if broken else f"limited by {self.limited_by}"
        return ObjectiveResult("capacity", verdict, value, LEAST_CAPACITY, "events/s", len(self.trials), reason=reason)

    def _judged_latency(self) -> ObjectiveResult:
        name, value = "event_to_redis_p99_at_half_capacity", self.p99_at_half()
        verdict, reason = Verdict.PASS, ""
        outcomes = self._outcomes_at_half()
        if value is None or self.differences:
            verdict, reason = Verdict.INCONCLUSIVE, "void: not exact" if self.differences else "no trial at that rate"
        elif Outcome.BROKEN in outcomes:
            verdict, reason = Verdict.FAIL, "a trial at that rate was broken"
        elif Outcome.HELD not in outcomes:
            verdict, reason = Verdict.INCONCLUSIVE, "no trial at that rate was held"
        elif value > MOST_P99_AT_HALF_SECONDS:
            verdict, reason = Verdict.FAIL, f"{value * 1000:,.0f} ms is above {MOST_P99_AT_HALF_SECONDS * 1000:,.0f} ms"
        return ObjectiveResult(name, verdict, value, MOST_P99_AT_HALF_SECONDS, "seconds", 1, reason=reason)

    @property
    def limited_by(self) -> str:
        """What lies above the capacity."""
        return "the range" if self.found.above is None else f"{self.found.above.value} trials"

    def as_json(self) -> dict[str, Any]:
        """The promised keys, every trial and the verdict."""
        return {
            "benchmark": "capacity",
            "machine": asdict(self.machine),
            "capacity_events_per_second": self.found.rate,
            "limited_by": self.limited_by,
            "resolution": self.resolution,
            "differences": self.differences,
            "curve": self.curve(),
            "trials": [asdict(each) for each in self.trials],
            **self.verdict().as_json(),
        }
