"""Latencies as figures: exact percentiles of raw samples.

An event that never became visible is slower than any other: a percentile that falls among such events has no value. A
negative latency (the clock stepped) is counted and stays in.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from slo.latency.matching import Seconds
from slo.statistics.percentiles import percentiles


@dataclass(frozen=True)
class LatencyFigures:
    """Figures of one path. Latencies are in seconds; a percentile is None where that event was never seen."""

    samples: int
    unseen: int
    negative: int
    p50: float | None
    p99: float | None
    p999: float | None
    max: float | None


def figures(latencies: Seconds) -> LatencyFigures:
    """Figures of all events of a run; NaN is an event that never became visible."""
    p50, p99, p999, highest = percentiles(latencies, (0.5, 0.99, 0.999, 1.0))
    return LatencyFigures(
        samples=len(latencies),
        unseen=int(np.count_nonzero(np.isnan(latencies))),
        negative=int(np.count_nonzero(latencies < 0)),
        p50=p50,
        p99=p99,
        p999=p999,
        max=highest,
    )


def median_of(runs: Sequence[LatencyFigures], figure: str) -> float | None:
    """Of one figure over several runs. Where one of them has none, too little was seen for any to be fair."""
    values = [getattr(run, figure) for run in runs]
    return None if not values or None in values else statistics.median(values)


@dataclass(frozen=True)
class Spread:
    """p50, p99 and maximum of a set of durations, in seconds; None where there are none."""

    p50: float | None
    p99: float | None
    max: float | None


def spread(durations: Seconds) -> Spread:
    """The spread of a few durations."""
    return Spread(*percentiles(durations, (0.5, 0.99, 1.0)))
