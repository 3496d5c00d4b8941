"""Times two callables interleaved, so that a noisy host affects both.

A baseline that was saved yesterday was measured on another machine, as far as noise goes. Measuring both now, in
random order within each round, and resampling rounds together, leaves the difference (A. Georges et al.,
"Statistically Rigorous Java Performance Evaluation", OOPSLA 2007, for why a bare percentage does not do).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from slo.compare import TOLERANCE, Comparison, describe
from slo.statistics.blocks import SEED
from slo.statistics.ratio import paired_ratio

ROUNDS = 400
BLOCKS = 40
FEWEST_ROUNDS = 2 * BLOCKS
_WARM_UP_ROUNDS = 5


def interleave(
    a: Callable[[], Any],
    b: Callable[[], Any],
    *,
    rounds: int = ROUNDS,
    tolerance: float = TOLERANCE,
    clock_ns: Callable[[], int] = time.perf_counter_ns,
) -> Comparison:
    """Times ``a`` (the baseline) and ``b`` once per round each and compares their medians.

    Raises ValueError for fewer than 80 rounds.
    """
    if rounds < FEWEST_ROUNDS:
        raise ValueError(f"rounds={rounds}: must be at least {FEWEST_ROUNDS}")
    for _ in range(_WARM_UP_ROUNDS):
        a()
        b()
    took = np.empty((rounds, 2))
    callables = (a, b)
    for round_, first in enumerate(np.random.default_rng(SEED).integers(2, size=rounds).tolist()):
        for which in (first, 1 - first):
            began = clock_ns()
            callables[which]()
            took[round_, which] = max(clock_ns() - began, 1) / 1e9
    ratio = paired_ratio(took[:, 0], took[:, 1], share=0.5, rounds_per_block=rounds // BLOCKS)
    return describe("interleaved", "median", "seconds", ratio, tolerance)
