"""Rounds of pairs, base and head interleaved, kept on disk as they come: an interrupted comparison goes on."""

from __future__ import annotations

import fcntl
import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from compose.experiment.compared_tree import ComparedTree
from compose.experiment.tree_runs import RunSettings
from compose.process.errors import EnvironmentFailed
from slo import json_lines
from slo.bench.host import Machine
from slo.bench.tree_comparison import Kind, Pair, TreeRun, pair_of

Measure = Callable[[ComparedTree, Kind, RunSettings], TreeRun]
Say = Callable[[str], None]


@dataclass(frozen=True)
class PairFile:
    """Finished pairs of one comparison, one JSON line each. A line that was cut off is as good as none."""

    path: Path

    @classmethod
    def of(
        cls, directory: Path, base: ComparedTree, head: ComparedTree, settings: RunSettings, machine: Machine
    ) -> PairFile:
        """The file of these versions, settings and machine: pairs of others say nothing here."""
        key = {
            "base": base.checkout.name,
            "head": head.checkout.name,
            "settings": asdict(settings),
            "machine": asdict(replace(machine, taken="")),
        }
        digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:8]
        return cls(directory / f"{base.checkout.name}-{head.checkout.name}-{digest}.jsonl")

    def read(self) -> list[Pair]:
        """The pairs so far, in the order in which they were measured."""
        return [pair_of(each) for each in json_lines.read(self.path)]

    def add(self, pair: Pair) -> None:
        """Appends a pair; it is on the disk when this returns."""
        json_lines.append(self.path, pair.as_json())


@dataclass(frozen=True)
class Rounds:
    """So many rounds with a pair of each kind. No pair begins that would probably end after ``until`` (monotonic)."""

    base: ComparedTree
    head: ComparedTree
    settings: RunSettings
    file: PairFile
    until: float
    measure: Measure
    say: Say
    clock: Callable[[], float] = time.monotonic

    def run(self, rounds: int) -> Sequence[Pair]:
        """Measures what is missing; all pairs, those of former runs included. Raises what ``measure`` raises."""
        pairs = self.file.read()
        if pairs:
            self.say(f"going on after {len(pairs)} pairs of runs in {self.file.path}")
        done = {(pair.number, pair.kind) for pair in pairs}
        for number, kind in ((number, kind) for number in range(rounds) for kind in Kind):
            if (number, kind) in done:
                continue
            if self.clock() + self._longest(pairs, kind) > self.until:
                self.say(f"time is up: run it again to go on from round {number + 1} of {rounds}")
                break
            pair = self._pair(number, kind)
            self.file.add(pair)
            pairs.append(pair)
            self.say(f"round {number + 1} of {rounds}, {kind}: {pair.seconds:.0f} s")
        return pairs

    @staticmethod
    def _longest(pairs: Sequence[Pair], kind: Kind) -> float:
        return max((pair.seconds for pair in pairs if pair.kind is kind), default=0.0)

    def _pair(self, number: int, kind: Kind) -> Pair:
        """Which of the two is first changes from round to round, so that neither always has the warmer machine."""
        began, head_first = self.clock(), number % 2 == 1
        runs: dict[str, TreeRun] = {}
        for tree in (self.head, self.base) if head_first else (self.base, self.head):
            tree.require_unchanged()
            runs[tree.name] = self.measure(tree, kind, self.settings)
            tree.require_unchanged()
        return Pair(number, kind, head_first, runs["base"], runs["head"], self.clock() - began)


@contextmanager
def only_comparison(directory: Path) -> Iterator[None]:
    """Raises EnvironmentFailed where another comparison works in that directory."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise EnvironmentFailed(f"another comparison is at work in {directory}; wait for it") from None
        yield
