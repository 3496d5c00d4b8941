"""A soak: what of a stack grows under the same load for a long time, and whether it should."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from slo.bench.host import Machine
from slo.check import Checked, LoadSummary
from slo.reconciliation.report import Report
from slo.recording import Recording
from slo.report.figures import figure
from slo.report.machine_readable import to_json
from slo.spec.model import Indicator, Kind, Objective, Specification
from slo.verdict import RunVerdict, judge
from slo.verdict.units import unit_of

SETTINGS: Mapping[str, int] = {
    "allowed_lateness_seconds": 60,
    "record_slack_seconds": 180,
    "cache_retention_seconds": 300,
}
"""So that the first windows are final after 4 minutes and gone from Redis after 10, before half of 30 minutes."""
LEAST_OF_RATE = 0.98
"""Under less load than was asked for less grows, so that a pass would mean less."""
BYTES_PER_EVENT = 700
"""On disk: in the topic, in raw_events with its index, in the ledger; and some room."""

_SHOWN = {
    Indicator.CHECKPOINT_SIZE: "checkpoints",
    Indicator.REDIS_MEMORY: "Redis",
    Indicator.POSTGRES_BLOAT: "bloat",
    Indicator.PROCESS_MEMORY: "memory",
    Indicator.PROCESS_FILE_HANDLES: "handles",
    Indicator.PROCESS_THREADS: "threads",
}

Subjects = Mapping[Indicator, Sequence[str]]
"""The jobs, tables or processes that an indicator has samples of."""


def needed_bytes(rate: float, seconds: float) -> float:
    """How much disk the events of a soak take."""
    return rate * seconds * BYTES_PER_EVENT


def shortest_seconds(specification: Specification) -> float:
    """How long a soak has to be for every objective to be judged."""
    return max(each.minimum.duration_seconds for each in specification.objectives)


def with_subjects(specification: Specification, subjects: Subjects) -> Specification:
    """Each growth objective once for every subject of its indicator, as ``name.subject``.

    A subject of which there is no sample is judged like the others: inconclusive.
    """
    expanded = [each for objective in specification.objectives for each in _each(objective, subjects)]
    return replace(specification, objectives=expanded)


def _each(objective: Objective, subjects: Subjects) -> Iterator[Objective]:
    if objective.kind is not Kind.GROWTH or objective.indicator not in subjects:
        yield objective
        return
    for subject in subjects[objective.indicator]:
        yield replace(
            objective,
            name=f"{objective.name}.{subject}",
            display_name=f"{subject}: {objective.display_name}",
            subject=subject,
        )


def doubtful(recording: Recording, load: LoadSummary, rate: float) -> Recording:
    """The same, void where the load was not the one that was asked for."""
    void = ""
    if load.failed:
        void = f"{load.failed:,} sends failed"
    elif load.rate_achieved < LEAST_OF_RATE * rate:
        void = f"{load.rate_achieved:,.0f} events/s were sent instead of {rate:,.0f}"
    if not void:
        return recording
    series = {indicator: replace(each, void=each.void or void) for indicator, each in recording.series.items()}
    return replace(recording, series=series)


def levels(recording: Recording) -> str:
    """Where everything stands now, in one line; what has several subjects is summed up."""
    return ", ".join(f"{name} {figure(_level(recording, each), unit_of(each))}" for each, name in _SHOWN.items())


def _level(recording: Recording, indicator: Indicator) -> float | None:
    series = recording.series.get(indicator)
    if series is None or not len(series.values):
        return None
    if series.subjects is None:
        return float(series.values[-1])
    return float(sum(series.of(each).values[-1] for each in np.unique(series.subjects)))


@dataclass(frozen=True)
class Soak:
    """One soak: what it was held to, what was seen, and what its load and its counts were."""

    minutes: float
    rate: float
    specification: Specification
    recording: Recording
    load: LoadSummary
    report: Report
    machine: Machine

    @classmethod
    def of(cls, minutes: float, rate: float, specification: Specification, checked: Checked, machine: Machine) -> Soak:
        """Of a check with a load of its own and its counts compared."""
        assert checked.load is not None
        assert checked.report is not None
        recording = doubtful(checked.recording, checked.load, rate)
        return cls(minutes, rate, specification, recording, checked.load, checked.report, machine)

    @cached_property
    def verdict(self) -> RunVerdict:
        """What the soak was too short for is inconclusive."""
        return judge(self.specification, self.recording, release=True)

    def as_json(self) -> dict[str, Any]:
        """The verdict's keys, and what the soak was."""
        load = {**asdict(self.load), "ledger": str(self.load.ledger)}
        load["send_delay_seconds"] = load.pop("send_delay")
        return {
            "benchmark": "soak",
            "minutes": self.minutes,
            "rate": self.rate,
            "settings": dict(SETTINGS),
            "machine": asdict(self.machine),
            **to_json(self.specification, self.recording, self.verdict),
            "load": load,
            "records": self.report.records,
            "differences_total": self.report.found.total,
            "exact": self.report.exact,
        }
