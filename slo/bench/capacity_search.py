"""The search for the highest rate that a system sustains. Pure: a trial is a function from a rate to an outcome.

The demand metric of Theodolite turned round: there the least resources for a load are looked for, here the highest load
that given resources hold (S. Henning, W. Hasselbring, "A configurable method for benchmarking scalability of
cloud-native applications", Empirical Software Engineering 27, 2022, who call it resource capacity).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

TRIES_OF_AN_INCONCLUSIVE_RATE = 2


class Outcome(StrEnum):
    """What a trial says of its rate."""

    HELD = "held"
    BROKEN = "broken"
    INCONCLUSIVE = "inconclusive"
    """Nothing, for instance because the generator was late itself. Never counts as held."""


class Phase(StrEnum):
    """What a trial is for. A confirmation decides over a rate that has held once; a curve's trial decides nothing."""

    SEARCH = "search"
    CONFIRMATION = "confirmation"
    CURVE = "curve"


Attempt = Callable[[float, Phase], Outcome]
"""Runs one trial at a rate (events per second)."""


@dataclass(frozen=True)
class RateRange:
    """Rates ``low``, ``low + resolution`` … ``high`` (events per second). Raises ValueError if there is none."""

    low: float
    high: float
    resolution: float

    def __post_init__(self) -> None:
        if not 0 < self.low <= self.high or self.resolution <= 0:
            raise ValueError(f"from {self.low:g} to {self.high:g} by {self.resolution:g}: must be 0 < from ≤ to, by")

    @property
    def last(self) -> int:
        """The number of the highest rate; the lowest one's is 0."""
        return -int(-(self.high - self.low) // self.resolution)

    def rate(self, number: int) -> float:
        """The rate of a number."""
        return min(self.low + number * self.resolution, self.high)

    def doubled(self, number: int) -> int:
        """The number of about twice the rate; at least the next one."""
        return min(self.last, max(number + 1, round((2 * self.rate(number) - self.low) / self.resolution)))


@dataclass(frozen=True)
class Capacity:
    """The highest rate that held in its trial and in every confirmation; None where not even the lowest one did.

    ``above`` is the outcome of the next higher rate that was tried; None where the range ends.
    """

    rate: float | None
    above: Outcome | None


def search(rates: RateRange, confirmations: int, attempt: Attempt) -> Capacity:
    """Doubles from the lowest rate until one does not hold, bisects, then confirms; a rate that fails a confirmation
    is given up for the next lower one.
    """
    held, ceiling, above = _bracket(rates, attempt)
    while ceiling is not None and 0 <= held < ceiling - 1:
        middle = (held + ceiling) // 2
        outcome = _tried(rates.rate(middle), Phase.SEARCH, attempt)
        if outcome is Outcome.HELD:
            held = middle
        else:
            ceiling, above = middle, outcome
    while held >= 0:
        refuted = _refuted(rates.rate(held), confirmations, attempt)
        if refuted is None:
            return Capacity(rates.rate(held), above)
        held, above = held - 1, refuted
    return Capacity(None, above)


def _bracket(rates: RateRange, attempt: Attempt) -> tuple[int, int | None, Outcome | None]:
    """The highest number that held (-1: none), the lowest that did not (None: all held), and its outcome."""
    held, number = -1, 0
    while True:
        outcome = _tried(rates.rate(number), Phase.SEARCH, attempt)
        if outcome is not Outcome.HELD:
            return held, number, outcome
        if number == rates.last:
            return number, None, None
        held, number = number, rates.doubled(number)


def _refuted(rate: float, confirmations: int, attempt: Attempt) -> Outcome | None:
    """The outcome of the first confirmation that does not hold; None if all hold."""
    for _ in range(confirmations):
        outcome = _tried(rate, Phase.CONFIRMATION, attempt)
        if outcome is not Outcome.HELD:
            return outcome
    return None


def _tried(rate: float, phase: Phase, attempt: Attempt) -> Outcome:
    """An inconclusive trial gets another chance: a neighbour's load may have made it so."""
    outcome = Outcome.INCONCLUSIVE
    for _ in range(TRIES_OF_AN_INCONCLUSIVE_RATE):
        outcome = attempt(rate, phase)
        if outcome is not Outcome.INCONCLUSIVE:
            break
    return outcome
