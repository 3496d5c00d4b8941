"""Reduces a schedule that fails to the smallest one that still does: delta debugging over its strikes.

Zeller, Hildebrandt: Simplifying and Isolating Failure-Inducing Input (2002), `ddmin`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from slo.schedules.schedule import Schedule, Strike

Fails = Callable[[Schedule], bool]
Strikes = tuple[Strike, ...]


class _Enough(Exception):
    """As many runs as there may be."""


@dataclass(frozen=True)
class Shrunk:
    """What is left. ``smallest``: without any one of its strikes it did not fail; not known after too few runs."""

    schedule: Schedule
    runs: int
    smallest: bool


class _Runs:
    """Runs a schedule, each only once, and so often at most."""

    def __init__(self, schedule: Schedule, fails: Fails, most: int) -> None:
        self.done = 0
        self._schedule, self._fails, self._most = schedule, fails, most
        self._known: list[tuple[Strikes, bool]] = []

    def fail(self, strikes: Sequence[Strike]) -> bool:
        """Whether the schedule with these strikes fails; one without any is not run. Raises _Enough."""
        tried = tuple(strikes)
        if not tried:
            return False
        for known, failed in self._known:
            if known == tried:
                return failed
        if self.done >= self._most:
            raise _Enough
        self.done += 1
        failed = self._fails(self._schedule.only(tried))
        self._known.append((tried, failed))
        return failed


def shrink(
    schedule: Schedule, fails: Fails, most_runs: int, smaller: Callable[[Schedule], None] = lambda _: None
) -> Shrunk:
    """``schedule`` has failed. ``fails`` runs one and says whether it failed; one that could not be judged did not.

    ``smaller`` gets each smaller schedule that failed, as soon as there is one, so an interrupted run has it.
    """
    runs, left, smallest = _Runs(schedule, fails, most_runs), schedule.strikes, False
    try:
        for fewer in _without_strikes(left, runs):
            left = fewer
            smaller(schedule.only(left))
        smallest = True
        for shorter in _shorter(left, runs):
            left = shorter
            smaller(schedule.only(left))
    except _Enough:
        pass
    return Shrunk(schedule.only(left), runs.done, smallest)


def _without_strikes(strikes: Strikes, runs: _Runs) -> Iterator[Strikes]:
    """Ever fewer strikes that still fail; of the last ones each is needed."""
    parts = 2
    while len(strikes) >= 2:
        chunks = _chunks(strikes, parts)
        complements = [_minus(strikes, chunk) for chunk in chunks] if parts > 2 else []
        found = next((each for each in (*chunks, *complements) if runs.fail(each)), None)
        if found is not None:
            parts = 2 if found in chunks else max(parts - 1, 2)
            strikes = found
            yield strikes
        elif parts >= len(strikes):
            return
        else:
            parts = min(2 * parts, len(strikes))


def _shorter(strikes: Strikes, runs: _Runs) -> Iterator[Strikes]:
    """The same strikes, each as short as it may be where that still fails."""
    for index, each in enumerate(strikes):
        short = replace(each, lasts_seconds=min(each.action.lengths[0], each.lasts_seconds))
        tried = (*strikes[:index], short, *strikes[index + 1 :])
        if short != each and runs.fail(tried):
            strikes = tried
            yield strikes


def _chunks(strikes: Strikes, parts: int) -> list[Strikes]:
    ends = [len(strikes) * number // parts for number in range(parts + 1)]
    return [strikes[first:end] for first, end in pairwise(ends)]


def _minus(strikes: Strikes, chunk: Strikes) -> Strikes:
    return tuple(each for each in strikes if not any(each is other for other in chunk))
