"""How sure a share of good samples is, when neighbouring samples are good or bad together."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from pipeline.shared.wilson import wilson
from slo.statistics.blocks import (
    BLOCK_SECONDS,
    CONFIDENCE,
    RESAMPLES,
    SEED,
    Floats,
    block_starts,
    draws,
    in_order,
    tails,
)


@dataclass(frozen=True)
class Share:
    """``good`` of ``total`` samples, and the confidence interval of the share."""

    good: int
    total: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """The share itself."""
        return self.good / self.total


def share_of_good(
    times: Floats,
    good: npt.NDArray[np.bool_],
    block_seconds: float = BLOCK_SECONDS,
    resamples: int = RESAMPLES,
    rng: np.random.Generator | None = None,
) -> Share:
    """The share of good samples with its 95 % interval.

    ``times`` are seconds, one per sample. Whole blocks of time are drawn with replacement and good and all samples of
    them summed (a ratio estimator: blocks need not be of equal size). The interval is never narrower than Wilson's
    for independent samples: blocks without a bad sample can't tell how rare bad ones are. Raises ValueError where there
    are no samples.
    """
    if not len(good):
        raise ValueError("no samples: a share of nothing has no interval")
    times, ordered = in_order(times, good)
    starts = block_starts(times, block_seconds)
    ends = np.append(starts[1:], len(ordered))
    totals = ends - starts
    goods = np.array([np.count_nonzero(ordered[start:end]) for start, end in zip(starts, ends, strict=True)])
    drawn = draws(len(starts), resamples, rng or np.random.default_rng(SEED))
    shares = goods[drawn].sum(axis=1) / totals[drawn].sum(axis=1)
    low, high = np.quantile(shares, tails(len(starts)))
    hits = int(goods.sum())
    least, most = wilson(hits, len(ordered))
    return Share(hits, len(ordered), min(float(low), least), max(float(high), most))


def fewest_samples(target: float) -> int:
    """How many samples, all of them good, it takes at least to show a target; 1 where nothing may be bad."""
    if target >= 1.0:
        return 1
    z = NormalDist().inv_cdf((1.0 + CONFIDENCE) / 2.0)
    return math.ceil(z**2 * target / (1.0 - target))
