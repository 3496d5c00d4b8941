"""Runs with a known truth, to see how often the intervals of this package hold it.

Each function is a source of runs. docs/statistics.md has the tables; tests/unit/slo/statistics/test_simulation.py makes
and checks them.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from slo.statistics.blocks import Floats

SLOT_SECONDS = 0.05
"""Of a run every so often a sample is taken; events in between would tell nothing new."""


def bursts(
    seconds: float, bad_share: float, burst_seconds: float, rng: np.random.Generator, *, equal: bool = True
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Times and whether each sample is good, of which in the long run ``bad_share`` are bad, in bursts.

    Bursts are equally long, or else exponential with that mean; so are the times between them. A burst of one slot is
    independent samples.
    """
    times = np.arange(round(seconds / SLOT_SECONDS)) * SLOT_SECONDS
    if burst_seconds <= SLOT_SECONDS:
        return times, rng.random(len(times)) >= bad_share
    gap = burst_seconds * (1.0 - bad_share) / bad_share
    # From long before the run, so that it begins anywhere in a gap or a burst.
    lead = 20.0 * (gap + burst_seconds)
    count = int(2.0 * (seconds + lead) / (gap + burst_seconds)) + 50
    gaps = rng.exponential(gap, count)
    lengths = np.full(count, burst_seconds) if equal else rng.exponential(burst_seconds, count)
    begins = np.cumsum(gaps) + np.append(0.0, np.cumsum(lengths)[:-1]) - lead
    ends = begins + lengths
    inside = np.searchsorted(begins, times, side="right") - np.searchsorted(ends, times, side="right")
    return times, inside == 0


def random_walk(times: Floats, per_hour: float, step: float, rng: np.random.Generator) -> Floats:
    """A gauge that drifts and, from one sample to the next, moves at random by ``step`` (standard deviation)."""
    walk: Floats = per_hour * times / 3600.0 + np.cumsum(rng.normal(0.0, step, len(times)))
    return walk


def steps(times: Floats, per_hour: float, step: float, rng: np.random.Generator) -> Floats:
    """A gauge that grows by whole steps, equally far apart, from anywhere between two of them."""
    return np.floor(per_hour * times / 3600.0 / step + rng.random()) * step if per_hour else np.zeros(len(times))


def sawtooth(times: Floats, per_hour: float, height: float, period_seconds: float, rng: np.random.Generator) -> Floats:
    """A gauge that drifts and fills and empties by ``height`` again and again, from anywhere in a tooth."""
    phase = rng.random() * period_seconds
    return per_hour * times / 3600.0 + height * ((times + phase) % period_seconds) / period_seconds


def correlated(seconds: float, period: float, correlation_seconds: float, rng: np.random.Generator) -> Floats:
    """Lognormal latencies, one each ``period`` seconds, whose logarithms are correlated by exp(-t / correlation)."""
    count = round(seconds / period)
    decay = np.exp(-period / correlation_seconds) if correlation_seconds else 0.0
    noise = rng.normal(size=count) * np.sqrt(1.0 - decay**2)
    noise[0] /= np.sqrt(1.0 - decay**2)
    # A first-order autoregression, in blocks that neither overflow nor take a Python step each.
    found = np.empty(count)
    level = 0.0
    block = 200
    powers = decay ** np.arange(block + 1)
    lower = np.tril(powers[np.abs(np.subtract.outer(np.arange(block), np.arange(block)))])
    for first in range(0, count, block):
        part = noise[first : first + block]
        found[first : first + block] = lower[: len(part), : len(part)] @ part + level * powers[1 : len(part) + 1]
        level = found[first + len(part) - 1]
    latencies: Floats = np.exp(0.5 * found)
    return latencies
