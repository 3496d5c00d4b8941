"""Measures the overhead of the read API over the bare Redis commands, interleaved, while a load runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pipeline.settings import Settings
from slo.bench.host import Machine
from slo.probes.cache_reads import TURNS, BareCacheReads, CacheReads, question
from slo.probes.probe import Probe, Sample
from slo.spec.model import Indicator
from slo.statistics.ratio import Ratio, paired_ratio
from slo.verdict import ObjectiveResult, RunVerdict, Verdict

MOST_OVER_BARE = 1.5
P99 = 0.99
FEWEST_PAIRS = 2000
"""20 of them above p99."""
BLOCKS = 20
WAYS = ("api", "bare")
ONE_IN = (2, 5, 10, 20, 50, 100, 200, 500, 1000)


@dataclass(frozen=True)
class Pair:
    """One question, asked both ways; seconds."""

    at: float
    kind: str
    api: float
    bare: float


class PairedReads(Probe):
    """Each poll asks one question both ways, the API first every other time. A read that did not come is no pair."""

    name = "cache_reads_by_turns"
    indicators = (Indicator.CACHE_READ, Indicator.CACHE_READ_BARE)
    period_seconds = 0.02

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._api, self._bare = CacheReads(settings, clock), BareCacheReads(settings, clock)
        self.pairs: list[Pair] = []
        self.missed = 0

    def look(self) -> Iterable[Sample]:
        at = self._clock()
        turn = len(self.pairs) + self.missed
        asked = question(turn, at)
        took: dict[Indicator, float] = {}
        came = True
        readers = (self._api, self._bare) if turn % 2 else (self._bare, self._api)
        for reader in readers:
            began = time.perf_counter()
            came = reader.read(asked) and came
            took[reader.indicators[0]] = time.perf_counter() - began
        if not came:
            self.missed += 1
            return []
        kind = TURNS[turn % len(TURNS)]
        self.pairs.append(Pair(at, kind, took[Indicator.CACHE_READ], took[Indicator.CACHE_READ_BARE]))
        return [Sample(indicator, at, seconds) for indicator, seconds in took.items()]

    def close(self) -> None:
        self._api.close()
        self._bare.close()


@dataclass(frozen=True)
class CacheReadsResult:
    """All pairs of a run. ``missed`` reads were not answered by Redis."""

    rate: float
    rate_achieved: float
    pairs: Sequence[Pair]
    missed: int
    differences: int
    machine: Machine

    def ratio(self, share: float = P99) -> Ratio | None:
        """Of that percentile of all reads through the API to the bare ones'; None for too few of them."""
        if len(self.pairs) < FEWEST_PAIRS:
            return None
        api, bare = (np.array([getattr(each, way) for each in self.pairs]) for way in WAYS)
        return paired_ratio(bare, api, share, len(self.pairs) // BLOCKS)

    def verdict(self) -> RunVerdict:
        """Counts exact, every read answered, and p99 with its interval against the limit."""
        wrong = ObjectiveResult(
            "counts_exact",
            Verdict.FAIL if self.differences else Verdict.PASS,
            float(self.differences),
            0.0,
            "differences",
            1,
        )
        missed = ObjectiveResult(
            "reads_answered", Verdict.FAIL if self.missed else Verdict.PASS, float(self.missed), 0.0, "count", 1
        )
        return RunVerdict.of([wrong, missed, self._judged()])

    def _judged(self) -> ObjectiveResult:
        name, ratio = "cache_read_p99_over_bare", self.ratio()
        if ratio is None:
            reason = f"{len(self.pairs):,} pairs of reads: {FEWEST_PAIRS:,} are needed"
            return ObjectiveResult(
                name, Verdict.INCONCLUSIVE, None, MOST_OVER_BARE, "ratio", len(self.pairs), reason=reason
            )
        verdict, reason = Verdict.PASS, ""
        if ratio.low > MOST_OVER_BARE:
            verdict, reason = Verdict.FAIL, f"above {MOST_OVER_BARE:g}"
        elif ratio.high > MOST_OVER_BARE:
            verdict, reason = Verdict.INCONCLUSIVE, f"the interval reaches {ratio.high:.2f}"
        interval = (ratio.low, ratio.high)
        return ObjectiveResult(
            name, verdict, ratio.value, MOST_OVER_BARE, "ratio", len(self.pairs), interval, reason=reason
        )

    def rows(self) -> list[dict[str, Any]]:
        """Percentiles of both ways by kind of question, and of all together; seconds."""
        kinds = list(dict.fromkeys(each.kind for each in self.pairs))
        return [_row("all", self.pairs)] + [
            _row(kind, [each for each in self.pairs if each.kind == kind]) for kind in kinds
        ]

    def curve(self) -> list[dict[str, float]]:
        """What one read in so many takes at least, either way; seconds. As far as there are ten of them."""
        took = {way: np.array([getattr(each, way) for each in self.pairs]) for way in WAYS}
        return [
            {"one_in": one_in} | {way: float(np.quantile(took[way], 1 - 1 / one_in)) for way in WAYS}
            for one_in in ONE_IN
            if len(self.pairs) >= 10 * one_in
        ]

    def as_json(self) -> dict[str, Any]:
        """All figures, machine and verdict."""
        return {
            "benchmark": "cache-reads",
            "machine": asdict(self.machine),
            "rate": self.rate,
            "rate_achieved": self.rate_achieved,
            "missed": self.missed,
            "differences": self.differences,
            "reads": self.rows(),
            "curve": self.curve(),
            **self.verdict().as_json(),
        }


def _row(kind: str, pairs: Sequence[Pair]) -> dict[str, Any]:
    return {"kind": kind, "samples": len(pairs), **dict(_percentiles(pairs))}


def _percentiles(pairs: Sequence[Pair]) -> Iterator[tuple[str, float | None]]:
    for way in WAYS:
        seconds = np.array([getattr(each, way) for each in pairs])
        for name, share in (("p50", 0.5), ("p99", P99)):
            yield f"{way}_{name}", float(np.quantile(seconds, share)) if len(seconds) else None
