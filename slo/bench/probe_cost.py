"""What watching costs: CPU time of the whole exporter, its libraries' threads included, against the pipeline's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from slo.verdict import ObjectiveResult, RunVerdict, Verdict

MOST_RATIO = 0.02
LEAST_OF_RATE = 0.98
"""With less load than was asked for the pipeline has less to do, and the ratio is another one."""


@dataclass(frozen=True)
class ProbeCost:
    """One measurement. ``pipeline_cpu_seconds`` is by service; ``gone`` are processes that ended meanwhile."""

    rate: float
    rate_achieved: float
    seconds: float
    probe_cpu_seconds: float
    pipeline_cpu_seconds: Mapping[str, float]
    gone: tuple[str, ...] = ()

    @property
    def ratio(self) -> float:
        """CPU seconds of the exporter per CPU second of the pipeline."""
        return self.probe_cpu_seconds / sum(self.pipeline_cpu_seconds.values())

    @property
    def void(self) -> str:
        """Why the ratio means nothing, or an empty string."""
        if self.gone:
            return f"void: ended while it was measured: {', '.join(self.gone)}"
        if self.rate_achieved < LEAST_OF_RATE * self.rate:
            return f"void: {self.rate_achieved:,.0f} events/s were sent instead of {self.rate:,.0f}"
        return ""

    def verdict(self) -> RunVerdict:
        """Below 2 % passes. There is no interval: CPU time is counted, not sampled."""
        verdict, reason = Verdict.PASS, ""
        if self.void:
            verdict, reason = Verdict.INCONCLUSIVE, self.void
        elif self.ratio >= MOST_RATIO:
            verdict, reason = Verdict.FAIL, f"{self.ratio:.2%} is not below {MOST_RATIO:.0%}"
        found = ObjectiveResult(
            "probes_cpu_ratio", verdict, self.ratio, MOST_RATIO, "ratio", 1, reason=reason, void=bool(self.void)
        )
        return RunVerdict.of([found])

    def as_json(self) -> dict[str, Any]:
        """All figures and the verdict."""
        return {**asdict(self), "ratio": self.ratio, **self.verdict().as_json()}
