"""The search, against systems whose capacity is known."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from slo.bench.capacity_search import Capacity, Outcome, Phase, RateRange, search

RATES = RateRange(5_000, 160_000, 5_000)


class System:
    """Holds what ``holds`` says; remembers what it was asked."""

    def __init__(self, holds: Callable[[float], Outcome | bool]) -> None:
        self.asked: list[tuple[float, Phase]] = []
        self._holds = holds

    def __call__(self, rate: float, phase: Phase) -> Outcome:
        self.asked.append((rate, phase))
        answer = self._holds(rate)
        if isinstance(answer, Outcome):
            return answer
        return Outcome.HELD if answer else Outcome.BROKEN

    def rates(self, phase: Phase) -> list[float]:
        return [rate for rate, of in self.asked if of is phase]


@pytest.mark.parametrize("capacity", [5_000, 9_999, 10_000, 34_000, 62_000, 85_000, 155_000, 159_999])
def test_finds_the_capacity_of_a_monotone_system(capacity: float) -> None:
    """To the resolution, from below."""
    found = search(RATES, 2, System(lambda rate: rate <= capacity))
    assert found == Capacity(capacity // 5_000 * 5_000, Outcome.BROKEN)


def test_doubles_then_bisects_then_confirms() -> None:
    system = System(lambda rate: rate <= 62_000)
    search(RATES, 2, system)
    assert system.rates(Phase.SEARCH) == [5_000, 10_000, 20_000, 40_000, 80_000, 60_000, 70_000, 65_000]
    assert system.rates(Phase.CONFIRMATION) == [60_000, 60_000]


def test_a_system_that_never_breaks_is_limited_by_the_range() -> None:
    system = System(lambda _: True)
    assert search(RATES, 1, system) == Capacity(160_000, None)
    assert system.rates(Phase.CONFIRMATION) == [160_000]


def test_a_system_that_never_holds_has_no_capacity_and_is_tried_once() -> None:
    system = System(lambda _: False)
    assert search(RATES, 2, system) == Capacity(None, Outcome.BROKEN)
    assert system.asked == [(5_000, Phase.SEARCH)]


def test_an_inconclusive_rate_is_tried_again_and_is_never_held() -> None:
    system = System(lambda rate: rate < 40_000 or Outcome.INCONCLUSIVE)
    assert search(RateRange(20_000, 40_000, 20_000), 0, system) == Capacity(20_000, Outcome.INCONCLUSIVE)
    assert system.rates(Phase.SEARCH) == [20_000, 40_000, 40_000]


def test_one_inconclusive_trial_is_forgiven() -> None:
    """The second one holds."""
    answers = iter([Outcome.INCONCLUSIVE, Outcome.HELD, Outcome.BROKEN])
    assert search(RateRange(10, 20, 10), 0, System(lambda _: next(answers))) == Capacity(10, Outcome.BROKEN)


def test_a_rate_that_fails_its_confirmation_is_given_up_for_the_next_lower_one() -> None:
    """It held once by luck."""
    lucky = iter([True])
    system = System(lambda rate: rate <= 60_000 or (rate == 65_000 and next(lucky, False)))
    assert search(RATES, 2, system) == Capacity(60_000, Outcome.BROKEN)
    assert system.rates(Phase.CONFIRMATION) == [65_000, 60_000, 60_000]


def test_a_confirmation_that_says_nothing_confirms_nothing() -> None:
    phases = {Phase.SEARCH: Outcome.HELD, Phase.CONFIRMATION: Outcome.INCONCLUSIVE}
    assert search(RateRange(10, 10, 1), 1, lambda _, phase: phases[phase]) == Capacity(None, Outcome.INCONCLUSIVE)


@pytest.mark.parametrize("seed", range(20))
def test_a_noisy_system_is_not_credited_with_what_it_holds_by_luck(seed: int) -> None:
    """Always up to 50,000, never above 70,000, by chance between: the answer lies between and ends."""
    chance = random.Random(seed)
    found = search(RATES, 3, System(lambda rate: chance.random() < (70_000 - rate) / 20_000))
    assert found.rate is not None
    assert 50_000 <= found.rate < 70_000


def test_rates_that_the_resolution_does_not_divide_end_at_the_highest() -> None:
    assert search(RateRange(10_000, 23_000, 5_000), 0, System(lambda _: True)) == Capacity(23_000, None)


@pytest.mark.parametrize(("low", "high", "resolution"), [(0, 10, 1), (10, 5, 1), (5, 10, 0)])
def test_a_range_without_rates_is_refused(low: float, high: float, resolution: float) -> None:
    with pytest.raises(ValueError, match="must be"):
        RateRange(low, high, resolution)
