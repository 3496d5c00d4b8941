"""How fast the generator is: repeated runs at full speed against the real broker, each in a process of its own."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from slo.verdict import ObjectiveResult, RunVerdict, Verdict

LEAST_EVENTS_PER_SECOND = 250_000.0
"""Per process. The pipeline takes a fraction of that in, so the generator is never what is measured."""


@dataclass(frozen=True)
class GeneratorRun:
    """One run. ``cpu_seconds`` are those of all its processes, librdkafka's threads included, the broker's not."""

    processes: int
    events: int
    failed: int
    wall_seconds: float
    cpu_seconds: float

    @property
    def events_per_second(self) -> float:
        """Acknowledged, per second of wall time until the last acknowledgement, all processes together."""
        return self.events / self.wall_seconds

    @property
    def events_per_second_per_process(self) -> float:
        """The same, of one of them."""
        return self.events_per_second / self.processes

    @property
    def events_per_cpu_second(self) -> float:
        """Acknowledged, per second of CPU time."""
        return self.events / self.cpu_seconds

    def as_json(self) -> dict[str, Any]:
        """All figures of the run."""
        return {**asdict(self), **{name: getattr(self, name) for name in FIGURES}}


FIGURES = ("events_per_second", "events_per_second_per_process", "events_per_cpu_second")


@dataclass(frozen=True)
class GeneratorResult:
    """Every run, in the order in which they ran."""

    runs: Sequence[GeneratorRun]

    def median(self, figure: str) -> float:
        """Over the runs."""
        return statistics.median(self._values(figure))

    def spread(self, figure: str) -> tuple[float, float]:
        """The lowest and the highest of the runs."""
        values = self._values(figure)
        return min(values), max(values)

    def _values(self, figure: str) -> list[float]:
        return [getattr(run, figure) for run in self.runs]

    def verdict(self) -> RunVerdict:
        """The rate per process against its objective; void where an event was not acknowledged."""
        failed, figure = sum(run.failed for run in self.runs), "events_per_second_per_process"
        value, interval = self.median(figure), self.spread(figure)
        verdict, reason = Verdict.PASS, ""
        if failed:
            verdict, reason = Verdict.INCONCLUSIVE, f"void: {failed} events were not acknowledged"
        elif value < LEAST_EVENTS_PER_SECOND:
            verdict, reason = Verdict.FAIL, f"{value:,.0f} is below {LEAST_EVENTS_PER_SECOND:,.0f}"
        samples = len(self.runs)
        rate = ObjectiveResult(
            figure, verdict, value, LEAST_EVENTS_PER_SECOND, "events/s", samples, interval, reason=reason
        )
        return RunVerdict.of([rate])

    def as_json(self) -> dict[str, Any]:
        """Runs, medians, spreads and the verdict."""
        return {
            "medians": {figure: self.median(figure) for figure in FIGURES},
            "spreads": {figure: list(self.spread(figure)) for figure in FIGURES},
            "runs": [run.as_json() for run in self.runs],
            **self.verdict().as_json(),
        }
