"""The interval of a share of ten million samples, held against its objective."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from slo.statistics.share import share_of_good


@pytest.mark.objective("share_of_10_million")
def test_share_of_ten_million_samples(benchmark: Any) -> None:
    """One hour with one bad sample in a thousand."""
    times = np.linspace(0.0, 3600.0, 10_000_000)
    good = np.ones(len(times), dtype=bool)
    good[::1000] = False
    found = benchmark.pedantic(share_of_good, args=(times, good, 1.0), rounds=200, warmup_rounds=2, iterations=1)
    assert found.value == 0.999
