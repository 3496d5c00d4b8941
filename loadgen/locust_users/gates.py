"""Objectives on locust's figures, and the exit code that follows. Pure.

Locust keeps response times in classes; with `three_digits` a class is at most 0.5 % wide.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from pipeline.shared.wilson import wilson

PASS, BREACHED, INCONCLUSIVE = 0, 1, 3


@dataclass(frozen=True)
class Gate:
    """At least ``target`` of all requests of a kind take less than (or, ``inclusive``, at most) ``value_ms``."""

    objective: str
    kind: str
    value_ms: float
    inclusive: bool
    target: float
    samples: int


@dataclass(frozen=True)
class Requests:
    """What locust counted of one kind: how many took each response time (ms), and failures, which have none."""

    count: int
    failures: int
    response_times: Mapping[float, int]


@dataclass(frozen=True)
class Judged:
    """A gate and what was found."""

    gate: Gate
    code: int
    good: int
    count: int

    def __str__(self) -> str:
        gate, said = self.gate, {PASS: "pass", BREACHED: "fail", INCONCLUSIVE: "inconclusive"}[self.code]
        share = f"{self.good / self.count:.3%}" if self.count else "nothing"
        limit = f"{'at most' if gate.inclusive else 'under'} {gate.value_ms:g} ms"
        few = f"; {gate.samples:,} are needed, more if some are bad" if self.code == INCONCLUSIVE else ""
        return f"{gate.objective}: {said}: {share} of {self.count:,} {limit}, wanted {gate.target:.3%}{few}"


def three_digits(milliseconds: float) -> float:
    """The class of a response time: three significant digits, down to a microsecond."""
    if milliseconds <= 0:
        return 0.0
    return round(milliseconds, min(3, 2 - math.floor(math.log10(milliseconds))))


def judge(gate: Gate, requests: Requests) -> Judged:
    """A failed request is not good. A pass needs Wilson's interval above the target; with fewer it is inconclusive.

    Locust keeps no time of a request, so requests are treated as independent here: an objective's own verdict is
    `adctr slo check`'s.
    """
    good = sum(number for time, number in requests.response_times.items() if _is_good(time, gate))
    share = good / requests.count if requests.count else 0.0
    if requests.count and share < gate.target:
        return Judged(gate, BREACHED, good, requests.count)
    enough = requests.count >= max(gate.samples, 1) and wilson(good, requests.count)[0] >= gate.target
    code = PASS if enough or (gate.target >= 1.0 and requests.count >= gate.samples) else INCONCLUSIVE
    return Judged(gate, code, good, requests.count)


def _is_good(time: float, gate: Gate) -> bool:
    return time <= gate.value_ms if gate.inclusive else time < gate.value_ms


def exit_code(judged: Sequence[Judged], failed_kinds: Collection[str]) -> int:
    """A breach fails, and so does a failed request of a kind that no gate is about; else what is too little is said."""
    without_gate = set(failed_kinds) - {each.gate.kind for each in judged}
    codes = {each.code for each in judged}
    if BREACHED in codes or without_gate:
        return BREACHED
    return INCONCLUSIVE if INCONCLUSIVE in codes else PASS
