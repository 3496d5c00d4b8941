"""Two versions of the code measured on one machine, interleaved: is the newer one worse?

Of every figure less is better. A change is relevant when its whole interval lies beyond 5 %. Pure: the runs come from
`compose.experiment.tree_runs`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from slo.bench.host import Machine
from slo.checkout import Checkout
from slo.compare import IndicatorDifference, describe
from slo.statistics.blocks import CONFIDENCE
from slo.statistics.ratio import Ratio, rounds_ratio
from slo.verdict import ObjectiveResult, RunVerdict, Verdict

TOLERANCE = 0.05
FEWEST_ROUNDS = 3
"""With two, Student's t asks for 12.7 standard errors: no difference of this world would be shown."""


class Kind(StrEnum):
    """What is measured: a full topic drained by the live job, or a load on a whole stack."""

    DRAIN = "drain"
    LOAD = "load"


DRAIN_CPU = "drain_cpu_seconds_per_million_events"
DRAIN_WALL = "drain_wall_seconds_per_million_events"
LOAD_CPU = "cpu_seconds_per_million_events"
REDIS_P99 = "event_to_redis_p99_seconds"
POSTGRES_P99 = "event_to_postgres_p99_seconds"
CACHE_P99 = "cache_read_p99_seconds"
PRIMARY = (DRAIN_CPU, LOAD_CPU)
"""CPU time hardly depends on what else the machine does. These have to be known well enough to exclude a change."""
CONFIDENCE_OF_OTHERS = 0.99
"""There are ten of them: at 95 % each, the same code would be called changed in one comparison of twenty."""
MEASURED = {Kind.DRAIN: (DRAIN_CPU, DRAIN_WALL), Kind.LOAD: (LOAD_CPU, REDIS_P99, POSTGRES_P99, CACHE_P99)}
"""What each kind of run is for. CPU time by service comes on top, as ``cpu_seconds_per_million_events.SERVICE``."""


@dataclass(frozen=True)
class TreeRun:
    """One run of one version. ``differences`` are counts that are wrong, or could not be compared in time.

    A figure that could not be taken is not there.
    """

    figures: Mapping[str, float]
    differences: int = 0


@dataclass(frozen=True)
class Pair:
    """One kind of run of both versions, one right after the other. ``head_first`` changes from round to round."""

    number: int
    kind: Kind
    head_first: bool
    base: TreeRun
    head: TreeRun
    seconds: float

    def as_json(self) -> dict[str, Any]:
        """As `pair_of` reads it."""
        return asdict(self)


def pair_of(document: Mapping[str, Any]) -> Pair:
    """From `Pair.as_json`. Raises KeyError, TypeError and ValueError for what is none."""
    runs = {tree: TreeRun(dict(document[tree]["figures"]), int(document[tree]["differences"])) for tree in _TREES}
    number, seconds = int(document["number"]), float(document["seconds"])
    return Pair(number, Kind(document["kind"]), bool(document["head_first"]), **runs, seconds=seconds)


_TREES = ("base", "head")


@dataclass(frozen=True)
class TreeComparison:
    """All pairs of a comparison, in the order in which they were measured."""

    base: Checkout
    head: Checkout
    pairs: Sequence[Pair]
    machine: Machine

    def verdict(self) -> RunVerdict:
        """Head's counts, then each figure: fail where head is relevantly worse."""
        return RunVerdict.of([self._counts(), *(self._judged(name) for name in self._names())])

    def _names(self) -> list[str]:
        measured = [name for names in MEASURED.values() for name in names]
        seen = [name for pair in self.pairs for run in (pair.base, pair.head) for name in run.figures]
        return list(dict.fromkeys([*measured, *sorted(seen)]))

    def _counts(self) -> ObjectiveResult:
        """A version that counts wrongly may be fast. Head then fails; where base does, nothing can be compared."""
        base, head = (sum(getattr(pair, tree).differences for pair in self.pairs) for tree in _TREES)
        verdict, reason = Verdict.PASS, ""
        if head:
            verdict, reason = Verdict.FAIL, f"{head:,} counts in head are wrong, or came too late"
        elif base:
            verdict, reason = Verdict.INCONCLUSIVE, f"void: {base:,} counts in base are wrong, or came too late"
        return ObjectiveResult("counts_exact", verdict, float(head), 0.0, "differences", len(self.pairs), reason=reason)

    def _judged(self, name: str) -> ObjectiveResult:
        both = [
            (pair.base.figures[name], pair.head.figures[name])
            for pair in self.pairs
            if name in pair.base.figures and name in pair.head.figures
        ]
        limit = 1.0 + TOLERANCE
        if len(both) < FEWEST_ROUNDS:
            verdict, reason = self._too_few(name, len(both))
            return ObjectiveResult(name, verdict, None, limit, "ratio", len(both), reason=reason)
        primary = name in PRIMARY
        confidence = CONFIDENCE if primary else CONFIDENCE_OF_OTHERS
        of_base, of_head = np.array(both, dtype=np.float64).T
        ratio = rounds_ratio(of_base, of_head, confidence)
        verdict, reason = judge_ratio(ratio, primary=primary)
        interval = (ratio.low, ratio.high)
        return ObjectiveResult(name, verdict, ratio.value, limit, "ratio", len(both), interval, reason=reason)

    def _too_few(self, name: str, rounds: int) -> tuple[Verdict, str]:
        """A figure that base alone has is no reason to pass; one that base does not have yet can't be compared."""
        in_base, in_head = (sum(name in getattr(pair, tree).figures for pair in self.pairs) for tree in _TREES)
        if in_head >= FEWEST_ROUNDS and not in_base:
            return Verdict.NOT_JUDGED, "base does not have it"
        if in_base >= FEWEST_ROUNDS and not in_head:
            return Verdict.INCONCLUSIVE, "missing in head"
        return Verdict.INCONCLUSIVE, f"{rounds} rounds have it in both, {FEWEST_ROUNDS} are needed"

    def rows(self) -> list[list[str]]:
        """The figures of both versions and the change, as a table; the first row is the heading."""
        versions = (f"{tree} {_shown(getattr(self, tree))}" for tree in _TREES)
        rows = [["figure", *versions, "change", "interval", "rounds", "verdict"]]
        for each in self.verdict().objectives[1:]:
            values = [self._mean(tree, each.name) for tree in _TREES]
            change = "–" if each.value is None else _percent(each.value)
            span = "–" if each.interval is None else " to ".join(_percent(end) for end in each.interval)
            shown = ["–" if value is None else f"{value:.4g}" for value in values]
            rows.append([each.name, *shown, change, span, str(each.samples), each.verdict.value])
        return rows

    def _mean(self, tree: str, name: str) -> float | None:
        values = [getattr(pair, tree).figures.get(name) for pair in self.pairs]
        seen = [value for value in values if value is not None]
        return float(np.mean(seen)) if seen else None

    def as_json(self) -> dict[str, Any]:
        """Both versions, every pair, machine and verdict."""
        versions = {
            name: {"commit": each.commit, "dirty": each.dirty}
            for name, each in zip(_TREES, (self.base, self.head), strict=True)
        }
        return {
            "benchmark": "compare",
            "machine": asdict(self.machine),
            "tolerance": TOLERANCE,
            **versions,
            "pairs": [each.as_json() for each in self.pairs],
            **self.verdict().as_json(),
        }


def _shown(checkout: Checkout) -> str:
    return f"{checkout.commit[:12]}{' (dirty)' if checkout.dirty else ''}"


def judge_ratio(ratio: Ratio, *, primary: bool) -> tuple[Verdict, str]:
    """What head's figure divided by base's says, and why.

    A ``primary`` figure passes only where its interval excludes a relevant change for the worse. Another one whose
    interval is wider than that is not judged: it may be worse, and the runs don't tell.
    """
    found = describe("", "", "", ratio, TOLERANCE)
    span = f"{_percent(ratio.low)} to {_percent(ratio.high)}"
    if found.relevant and found.difference is IndicatorDifference.WORSE:
        return Verdict.FAIL, f"head is worse by {span}"
    if ratio.high <= 1.0 + TOLERANCE:
        better = found.relevant and found.difference is IndicatorDifference.BETTER
        return Verdict.PASS, f"head is better by {span}" if better else ""
    if primary:
        return Verdict.INCONCLUSIVE, f"{span}: neither shown to be worse nor excluded; more rounds narrow it"
    return Verdict.NOT_JUDGED, f"{span}: the runs don't tell"


def _percent(ratio: float) -> str:
    return f"{100 * (ratio - 1.0):+.1f} %"
