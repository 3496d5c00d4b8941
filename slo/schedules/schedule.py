"""A schedule: which actions strike when, and for how long; and whether it can be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from slo.disturbances.action import Action
from slo.schedules.catalogue import find_action


@dataclass(frozen=True)
class Strike:
    """One action, ``begin_seconds`` after the load began, for ``lasts_seconds`` or as long as its entry takes."""

    action: Action
    begin_seconds: float
    lasts_seconds: float = 0.0

    @property
    def end_seconds(self) -> float:
        """When it is over."""
        return self.begin_seconds + self.lasts_seconds

    @property
    def back_seconds(self) -> float:
        """When what it takes is there again."""
        return self.end_seconds + self.action.back_seconds

    def excludes(self, other: Strike) -> bool:
        """Whether both can't be in one schedule: one takes what the other needs, at that time."""
        if not self.action.excludes(other.action):
            return False
        first, second = sorted((self, other), key=lambda each: each.begin_seconds)
        return second.begin_seconds < first.back_seconds


@dataclass(frozen=True)
class Schedule:
    """Strikes in the order in which they begin, within ``seconds`` of a load of ``rate`` events/s.

    The seed is the load's, and the one that the strikes were drawn by, if they were.
    """

    seed: int
    seconds: float
    rate: float
    strikes: tuple[Strike, ...]

    def only(self, strikes: Sequence[Strike]) -> Schedule:
        """The same with these strikes."""
        return replace(self, strikes=tuple(sorted(strikes, key=lambda each: each.begin_seconds)))

    @property
    def links(self) -> frozenset[str]:
        """The servers that the jobs must reach over a link."""
        return frozenset(server for each in self.strikes for server in each.action.links)

    @property
    def overlaps(self) -> list[tuple[str, str]]:
        """Pairs of which the second began before all was back that the first had taken, in order."""
        pairs = combinations(self.strikes, 2)
        return [(a.action.name, b.action.name) for a, b in pairs if b.begin_seconds < a.back_seconds]

    @property
    def problems(self) -> list[str]:
        """Why it can't be; empty if it can. What is true of a schedule is true of any part of it."""
        found = [problem for each in self.strikes for problem in self._problems_of(each)]
        for a, b in combinations(self.strikes, 2):
            if a.excludes(b):
                one, other = (f"{each.action.name} at {each.begin_seconds:g} s" for each in (a, b))
                found.append(f"{one} and {other}: one takes away what the other needs; move one of them")
        return found

    def has_room_for(self, strike: Strike) -> bool:
        """Whether it has no problem either with one strike more."""
        return not self._problems_of(strike) and not any(strike.excludes(each) for each in self.strikes)

    def _problems_of(self, strike: Strike) -> list[str]:
        action, found = strike.action, []
        if strike.begin_seconds < action.from_seconds:
            found.append(f"{action.name} begins at {strike.begin_seconds:g} s: not before {action.from_seconds:g} s")
        if strike.lasts_seconds > action.lengths[1]:
            found.append(f"{action.name} lasts {strike.lasts_seconds:g} s: at most {action.lengths[1]:g} s")
        if strike.end_seconds > self.seconds:
            found.append(f"{action.name} ends at {strike.end_seconds:g} s: the schedule has {self.seconds:g} s")
        return found


def strike(name: str, begin_seconds: float, lasts_seconds: float = 0.0) -> Strike:
    """A strike by its action's name. Raises KeyError with the names that there are."""
    return Strike(find_action(name), begin_seconds, lasts_seconds)
