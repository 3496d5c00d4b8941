"""Draws a schedule from a seed: some actions out of all, at random times and for random lengths."""

from __future__ import annotations

import random
from collections.abc import Sequence

from slo.disturbances.action import Action
from slo.schedules.catalogue import ACTIONS
from slo.schedules.schedule import Schedule, Strike

FIRST_SECONDS = 10.0
"""Before it the load alone runs: how far both stores are behind without any fault is what recovery is held against."""
SHORTEST_SCHEDULE_SECONDS = 30.0
_SHARE = 0.5
"""Each action is in a schedule's subset by this chance. With some left out the others meet more often, and in states
that all of them together never reach (swarm testing)."""
_FEWEST = 4
_GAP_SECONDS = 24.0
_BURST_SHARE = 0.5
_BURST_SECONDS = 4.0
"""Half of the strikes follow the one before within so many seconds; the others within `_GAP_SECONDS` on average."""


def draw(seed: int, seconds: float, rate: float, actions: Sequence[Action] = ACTIONS) -> Schedule:
    """The schedule of a seed: the same for the same catalogue of actions. It has no `Schedule.problems`.

    There is one strike at least if any of the actions can begin after `FIRST_SECONDS`.
    """
    chance = random.Random(seed)
    chosen = _subset(chance, actions)
    schedule = Schedule(seed, seconds, rate, ())
    at = FIRST_SECONDS + chance.uniform(0.0, _BURST_SECONDS)
    while at < seconds:
        found = _strike(chance, schedule, chosen, at)
        if found is not None:
            schedule = schedule.only([*schedule.strikes, found])
        at += _gap(chance)
    if not schedule.strikes and (found := _strike(chance, schedule, actions, FIRST_SECONDS)):
        schedule = schedule.only([found])
    return schedule


def _subset(chance: random.Random, actions: Sequence[Action]) -> list[Action]:
    chosen = [each for each in actions if chance.random() < _SHARE]
    return chosen if len(chosen) >= _FEWEST else list(actions)


def _gap(chance: random.Random) -> float:
    if chance.random() < _BURST_SHARE:
        return chance.uniform(0.2, _BURST_SECONDS)
    return chance.uniform(_BURST_SECONDS, 2 * _GAP_SECONDS - _BURST_SECONDS)


def _strike(chance: random.Random, schedule: Schedule, actions: Sequence[Action], at: float) -> Strike | None:
    """A strike that begins then and goes together with those that are there; None if no action does."""
    begin = round(at, 1)
    for action in chance.sample(list(actions), len(actions)):
        shortest, longest = action.lengths
        lasts = round(chance.uniform(shortest, longest), 1)
        drawn = Strike(action, begin, min(lasts, longest))
        if schedule.has_room_for(drawn):  # control: room for a strike
            return drawn
    return None
