"""Percentiles of raw samples, exactly: the nearest rank, no interpolation between two samples and no buckets."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from slo.statistics.blocks import Floats


def percentiles(values: Floats, shares: Sequence[float]) -> list[float | None]:
    """The smallest value that at least each share of all samples does not exceed.

    NaN is a sample that never came and stands above all others; a percentile that falls there is None, as is every
    percentile of nothing.
    """
    seen = np.sort(values[~np.isnan(values)])
    # Less a hair, because 0.07 * 100 is 7.000000000000001 and the seventh is meant.
    ranks = [max(math.ceil(share * len(values) - 1e-9), 1) for share in shares]
    return [float(seen[rank - 1]) if rank <= len(seen) else None for rank in ranks]
