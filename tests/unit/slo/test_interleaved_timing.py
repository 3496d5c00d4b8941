"""Two interleaved callables, timed by a clock that the test moves."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from slo.compare import Comparison, IndicatorDifference
from slo.interleaved_timing import interleave


class Machine:
    """A clock that work moves: noisy by a fifth, and three times slower in its second half."""

    def __init__(self, seed: int) -> None:
        self.now_ns = 0
        self.calls = 0
        self._rng = np.random.default_rng(seed)

    def work(self, nanoseconds: float) -> Callable[[], None]:
        def once() -> None:
            self.calls += 1
            weather = 3.0 if self.calls > 400 else 1.0
            self.now_ns += int(nanoseconds * weather * self._rng.lognormal(0.0, 0.2))

        return once

    def compare(self, a: float, b: float) -> Comparison:
        return interleave(self.work(a), self.work(b), clock_ns=lambda: self.now_ns)


@pytest.mark.parametrize(
    ("b", "difference", "relevant"),
    [
        (10_000.0, IndicatorDifference.NONE, False),
        (13_000.0, IndicatorDifference.WORSE, True),
        (7_000.0, IndicatorDifference.BETTER, True),
    ],
)
def test_a_machine_that_slows_down_hits_both(b: float, difference: IndicatorDifference, relevant: bool) -> None:
    """10 µs against 10, 13 and 7."""
    compared = Machine(seed=1).compare(10_000.0, b)
    assert (compared.difference, compared.relevant) == (difference, relevant)


def test_the_same_thing_a_hundred_times_is_never_worse() -> None:
    assert not any(Machine(seed).compare(10_000.0, 10_000.0).relevant for seed in range(100))


def test_too_few_rounds_are_refused() -> None:
    with pytest.raises(ValueError, match="rounds=10: must be at least 80"):
        interleave(int, int, rounds=10)
