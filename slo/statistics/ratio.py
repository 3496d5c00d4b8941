"""How much larger figures of B are than those of A: of runs by block bootstrap, of rounds by Student's t."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from slo.statistics.blocks import (
    BLOCK_SECONDS,
    CONFIDENCE,
    SEED,
    Floats,
    block_starts,
    draws,
    in_order,
    student_t,
    tails,
)
from slo.statistics.percentiles import percentiles

RESAMPLES = 1000
MOST_BLOCKS = 100
BLOCKS = 12
"""Longer runs get longer blocks rather than more of them: correlation over 5 s needs blocks of 25 s and more."""
FEWEST_BLOCKS = 6
"""Below it an interval of blocks is no better than a guess."""
SMALLEST = 1e-6
"""What is smaller counts as this, so that zero divided by zero is no difference."""
_BIN_WIDTH = 0.002
"""Resampled percentiles come from logarithmic bins of 0.2 %, fifty times finer than what is worth reporting."""


@dataclass(frozen=True)
class Ratio:
    """B divided by A, and the 95 % interval. ``a`` and ``b`` are None where that percentile never came."""

    a: float | None
    b: float | None
    value: float
    low: float
    high: float


def percentile_ratios(
    a: tuple[Floats, Floats], b: tuple[Floats, Floats], shares: Sequence[float]
) -> list[Ratio] | None:
    """The ratio of each percentile of two independent series of (times in seconds, values).

    Each series is resampled by blocks of its own. None where one has too few blocks to resample.
    """
    rng = np.random.default_rng(SEED)
    drawn_a, blocks_a = _resampled(*a, shares, rng)
    drawn_b, blocks_b = _resampled(*b, shares, rng)
    blocks = min(blocks_a, blocks_b)
    if blocks < FEWEST_BLOCKS:
        return None
    low_tail, high_tail = tails(blocks)
    with np.errstate(invalid="ignore"):
        ratios = drawn_b / drawn_a
    ratios[np.isnan(ratios)] = 1.0  # never came in either
    found = []
    for column, (in_a, in_b) in enumerate(zip(percentiles(a[1], shares), percentiles(b[1], shares), strict=True)):
        low = float(np.quantile(ratios[:, column], low_tail, method="lower"))
        high = float(np.quantile(ratios[:, column], high_tail, method="higher"))
        value = _or_never(in_b) / _or_never(in_a) if in_a is not None or in_b is not None else 1.0
        found.append(Ratio(in_a, in_b, value, min(low, value), max(high, value)))
    return found


def paired_ratio(a: Floats, b: Floats, share: float, rounds_per_block: int) -> Ratio:
    """The ratio of a percentile of two interleaved rows of measurements: the n-th of A beside the n-th of B.

    Blocks of neighbouring rounds are drawn for both together, so what disturbs both cancels out. Raises ValueError
    where the rows differ in length or make fewer than ``FEWEST_BLOCKS`` blocks.
    """
    blocks = len(a) // rounds_per_block
    if len(a) != len(b) or blocks < FEWEST_BLOCKS:
        raise ValueError(f"{len(a)} and {len(b)} rounds: must be as many, and at least {FEWEST_BLOCKS} blocks")
    drawn = draws(blocks, RESAMPLES, np.random.default_rng(SEED))
    rounds = (drawn[:, :, None] * rounds_per_block + np.arange(rounds_per_block)).reshape(RESAMPLES, -1)
    ratios = np.quantile(b[rounds], share, axis=1) / np.quantile(a[rounds], share, axis=1)
    low, high = np.quantile(ratios, tails(blocks))
    in_a, in_b = float(np.quantile(a, share)), float(np.quantile(b, share))
    return Ratio(in_a, in_b, in_b / in_a, min(float(low), in_b / in_a), max(float(high), in_b / in_a))


def rounds_ratio(a: Floats, b: Floats, confidence: float = CONFIDENCE) -> Ratio:
    """The ratio of one figure over rounds, the n-th of both rows from the same round; both must be above zero.

    Student's t on the differences of logarithms: what slows down a whole round cancels out. ``a`` and ``b`` of the
    result are geometric means. Raises ValueError where the rows differ in length or have fewer than two rounds.
    """
    rounds = len(a)
    if rounds != len(b) or rounds < 2:
        raise ValueError(f"{len(a)} and {len(b)} rounds: must be as many, and at least 2")
    logs_a, logs_b = (np.log(np.maximum(row, SMALLEST)) for row in (a, b))
    differences = logs_b - logs_a
    student = student_t((1.0 + confidence) / 2.0, rounds - 1)
    margin = student * float(np.std(differences, ddof=1)) / np.sqrt(rounds)
    mean = float(np.mean(differences))
    low, value, high = (float(np.exp(each)) for each in (mean - margin, mean, mean + margin))
    return Ratio(float(np.exp(np.mean(logs_a))), float(np.exp(np.mean(logs_b))), value, low, high)


def _or_never(value: float | None) -> float:
    return np.inf if value is None else max(value, SMALLEST)


def _resampled(
    times: Floats, values: Floats, shares: Sequence[float], rng: np.random.Generator
) -> tuple[npt.NDArray[np.float64], int]:
    """Percentiles of each resample (rows) for each share (columns), and the number of blocks."""
    times, ordered = in_order(times, values)
    span = float(times[-1] - times[0]) if len(times) else 0.0
    starts = block_starts(times, max(BLOCK_SECONDS, span / BLOCKS), MOST_BLOCKS)
    sizes = np.diff(np.append(starts, len(times)))
    bins, heights = _bins(ordered.astype(np.float64))
    width = len(heights)
    of_block = np.repeat(np.arange(len(starts)), sizes)
    counts = np.bincount(of_block * width + bins, minlength=len(starts) * width).reshape(len(starts), width)
    weights = np.zeros((RESAMPLES, len(starts)))
    np.add.at(weights, (np.arange(RESAMPLES)[:, None], draws(len(starts), RESAMPLES, rng)), 1.0)
    below = np.cumsum(weights @ counts, axis=1)
    columns = []
    for share in shares:
        ranks = np.ceil(share * below[:, -1:] - 1e-9)
        columns.append(heights[np.argmax(below >= np.maximum(ranks, 1.0), axis=1)])
    return np.stack(columns, axis=1), len(starts)


def _bins(values: Floats) -> tuple[npt.NDArray[np.int64], Floats]:
    """Each value's logarithmic bin, and the middle of each bin; NaN is in the last, which is infinite."""
    never = np.isnan(values)
    logs = np.log(np.maximum(values, SMALLEST, where=~never, out=np.full(len(values), SMALLEST)))
    numbers = np.floor(logs / _BIN_WIDTH).astype(np.int64)
    first = int(numbers.min())
    last = int(numbers.max()) - first
    numbers -= first
    numbers[never] = last + 1
    return numbers, np.append(np.exp((np.arange(last + 1) + first + 0.5) * _BIN_WIDTH), np.inf)
