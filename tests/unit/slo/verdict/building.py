"""Objectives and recordings for tests: a check of 60 s from second 1000, ten samples a second, all well."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from slo.recording import Exactness, Floats, Recording, Series
from slo.spec.model import (
    BudgetingMethod,
    Ceiling,
    Indicator,
    Kind,
    Minimum,
    Objective,
    Operator,
    Specification,
    TimeWindow,
)

BEGAN = 1000.0
SECONDS = 60.0

INDICATORS = {
    Kind.LATENCY: Indicator.EVENT_TO_REDIS,
    Kind.FRESHNESS: Indicator.DASHBOARD_AGE,
    Kind.CEILING: Indicator.REDIS_MEMORY,
    Kind.GROWTH: Indicator.CHECKPOINT_SIZE,
    Kind.CORRECTNESS: Indicator.COUNT_DIFFERENCES,
}


def objective(kind: Kind, **changes: Any) -> Objective:
    """Latency and freshness: 90 % under 1 s. Ceiling: 1. Growth: 1 an hour. All need 30 s and 100 samples.

    Each sample is a piece of evidence of its own, unless a test says otherwise.
    """
    fields: dict[str, Any] = {
        "name": kind.value,
        "display_name": f"the {kind.value} objective",
        "kind": kind,
        "indicator": INDICATORS[kind],
        "op": Operator.LT,
        "value": 1.0,
        "computed": None,
        "target": 0.9,
        "budgeting_method": BudgetingMethod.OCCURRENCES,
        "minimum": Minimum(duration_seconds=30.0, samples=100),
        "warm_up_seconds": 0.0,
        "why": "because",
        "when_broken": "look at it",
        "runbook": "docs/runbook.md",
        "independent_seconds": 0.1,
    }
    return Objective(**(fields | changes))


def specification(*objectives: Objective) -> Specification:
    return Specification("adctr", TimeWindow(2_592_000.0), objectives)


def series(values: Floats, seconds: float = SECONDS, **rest: Any) -> Series:
    """Values spread evenly over the check."""
    return Series(BEGAN + np.linspace(0.0, seconds, len(values)), values, **rest)


def recording(samples: Mapping[Indicator, Series] | None = None, **changes: Any) -> Recording:
    """All well: 600 samples of 0.5 of everything, one million records without a difference."""
    every = {each: series(np.full(600, 0.5)) for each in Indicator}
    fields: dict[str, Any] = {
        "began": BEGAN,
        "ended": BEGAN + SECONDS,
        "series": every | dict(samples or {}),
        "ceilings": {Ceiling.REDIS_MEMORY: 1.0},
        "exactness": Exactness(records=1_000_000, differences=0),
    }
    return Recording(**(fields | changes))
