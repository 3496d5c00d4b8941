"""Rounds of pairs: their order, what is kept of an interrupted comparison, and when no further pair begins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from compose.experiment.compared_tree import ComparedTree
from compose.experiment.comparison_rounds import PairFile, Rounds, only_comparison
from compose.experiment.tree_runs import RunSettings
from compose.process.errors import EnvironmentFailed
from slo.bench.host import Machine
from slo.bench.tree_comparison import DRAIN_CPU, Kind, TreeRun
from slo.checkout import Checkout, checkout_of
from tests.unit.compose.experiment.small_repository import repository

MACHINE = Machine(2, 24, "a CPU", "Linux 6", "3.11", "now")


class Bench:
    """Runs of a known length, in the order in which they were asked for; ``fails_at`` interrupts one of them."""

    def __init__(self, fails_at: int | None = None) -> None:
        self.asked: list[tuple[str, Kind]] = []
        self.now = 0.0
        self._fails_at = fails_at

    def measure(self, tree: ComparedTree, kind: Kind, _settings: RunSettings) -> TreeRun:
        self.asked.append((tree.name, kind))
        if len(self.asked) == self._fails_at:
            raise KeyboardInterrupt
        self.now += 100.0
        return TreeRun({DRAIN_CPU: float(len(self.asked))})


@pytest.fixture
def comparison(tmp_path: Path) -> Callable[..., Rounds]:
    root = repository(tmp_path / "project")
    base, head = (ComparedTree(name, checkout_of(root), tmp_path, tmp_path / "log") for name in ("base", "head"))

    def rounds(bench: Bench, until: float = 1e9) -> Rounds:
        file = PairFile.of(tmp_path, base, head, RunSettings(), MACHINE)
        return Rounds(base, head, RunSettings(), file, until, bench.measure, lambda _: None, lambda: bench.now)

    return rounds


def test_both_are_interleaved_and_each_is_first_in_every_other_round(comparison: Callable[..., Rounds]) -> None:
    bench = Bench()
    pairs = comparison(bench).run(2)
    assert [name for name, _ in bench.asked] == ["base", "head"] * 2 + ["head", "base"] * 2
    assert [kind for _, kind in bench.asked] == [each for kind in (*Kind, *Kind) for each in (kind, kind)]
    assert [(pair.number, pair.kind, pair.head_first) for pair in pairs] == [
        (0, Kind.DRAIN, False),
        (0, Kind.LOAD, False),
        (1, Kind.DRAIN, True),
        (1, Kind.LOAD, True),
    ]
    assert (pairs[2].head.figures[DRAIN_CPU], pairs[2].base.figures[DRAIN_CPU]) == (5.0, 6.0)


def test_an_interrupted_comparison_goes_on_and_measures_the_broken_pair_again(
    comparison: Callable[..., Rounds],
) -> None:
    """A half pair is dropped: its other half would be from another hour."""
    interrupted = Bench(fails_at=6)
    with pytest.raises(KeyboardInterrupt):
        comparison(interrupted).run(3)
    rest = Bench()
    pairs = comparison(rest).run(3)
    assert [(pair.number, pair.kind) for pair in pairs] == [(number, kind) for number in range(3) for kind in Kind]
    assert len(rest.asked) == 2 * (6 - 2)
    nothing = Bench()
    assert comparison(nothing).run(3) == pairs
    assert not nothing.asked


def test_a_line_that_was_cut_off_is_measured_again(comparison: Callable[..., Rounds]) -> None:
    rounds = comparison(Bench())
    pairs = rounds.run(2)
    whole = rounds.file.path.read_bytes()
    for kept in (len(whole) - 1, len(whole) - 20, len(whole) - whole[::-1].index(b"\n", 1) + 3):
        rounds.file.path.write_bytes(whole[:kept])
        again = Bench()
        assert len(comparison(again).run(2)) == len(pairs)
        assert len(comparison(Bench()).file.read()) == len(pairs)
        assert len(again.asked) in (0, 2)


def test_no_pair_begins_that_would_end_too_late(comparison: Callable[..., Rounds]) -> None:
    bench = Bench()
    assert len(comparison(bench, until=1000.0).run(4)) == 5
    assert bench.now == 1000.0
    late = Bench()
    assert len(comparison(late, until=150.0).run(4)) == 5
    assert not late.asked


def test_other_code_another_machine_or_other_settings_begin_anew(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path, "a" * 40)
    tree = ComparedTree("head", checkout, tmp_path, tmp_path / "log")
    edited = replace(tree, checkout=replace(checkout, changes="123456789abc"))
    files = [
        PairFile.of(tmp_path, tree, tree, RunSettings(), MACHINE),
        PairFile.of(tmp_path, tree, edited, RunSettings(), MACHINE),
        PairFile.of(tmp_path, edited, tree, RunSettings(), MACHINE),
        PairFile.of(tmp_path, tree, tree, RunSettings(rate=1.0), MACHINE),
        PairFile.of(tmp_path, tree, tree, RunSettings(), replace(MACHINE, cores=4)),
    ]
    assert len({each.path for each in files}) == len(files)
    assert files[0] == PairFile.of(tmp_path, tree, tree, RunSettings(), replace(MACHINE, taken="later"))


def test_there_is_one_comparison_at_a_time(tmp_path: Path) -> None:
    with (
        only_comparison(tmp_path),
        pytest.raises(EnvironmentFailed, match="another comparison is at work"),
        only_comparison(tmp_path),
    ):
        pass
    with only_comparison(tmp_path):
        pass
