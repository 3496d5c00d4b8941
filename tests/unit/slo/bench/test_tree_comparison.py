"""Two versions interleaved: what is called a change, with noise as a shared machine has it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from slo.bench.host import this_machine
from slo.bench.tree_comparison import (
    CACHE_P99,
    DRAIN_CPU,
    DRAIN_WALL,
    LOAD_CPU,
    POSTGRES_P99,
    REDIS_P99,
    Kind,
    Pair,
    TreeComparison,
    TreeRun,
    pair_of,
)
from slo.checkout import Checkout
from slo.verdict import ObjectiveResult, Verdict

LIVE_CPU = f"{LOAD_CPU}.taskmanager-live"
STORE_CPU = f"{LOAD_CPU}.taskmanager-store"
LEVELS = {
    Kind.DRAIN: {DRAIN_CPU: 2.1, DRAIN_WALL: 1.2},
    Kind.LOAD: {LOAD_CPU: 90.0, REDIS_P99: 0.27, POSTGRES_P99: 1.6, CACHE_P99: 0.004, LIVE_CPU: 30.0, STORE_CPU: 32.0},
}
"""As docs/measurements.md and docs/benchmarks.md have them."""
ROUND_NOISE, RUN_NOISE = 0.15, 0.03
"""Standard deviations of logarithms. The machine's speed moves by a third from hour to hour, which a round shares;
medians of CPU time per event of runs in a row differ by 2 to 4 %."""
WALL_NOISE = 0.10
ROUNDS = 4
RUNS = 150
MACHINE = this_machine()


def compared(pairs: Sequence[Pair]) -> TreeComparison:
    base, head = (Checkout(Path("/tree"), commit * 40) for commit in "ab")
    return TreeComparison(base, head, pairs, MACHINE)


def simulated(
    rng: np.random.Generator, *, factors: Mapping[str, float] | None = None, rounds: int = ROUNDS
) -> TreeComparison:
    """Rounds in which head costs ``factors`` times what base costs."""
    pairs = []
    for number in range(rounds):
        for kind, levels in LEVELS.items():
            speed = np.exp(rng.normal(0.0, ROUND_NOISE))

            def run(levels: Mapping[str, float], speed: float, changed: Mapping[str, float]) -> TreeRun:
                noise = {name: RUN_NOISE if "cpu" in name else WALL_NOISE for name in levels}
                return TreeRun(
                    {
                        name: float(level * speed * changed.get(name, 1.0) * np.exp(rng.normal(0.0, noise[name])))
                        for name, level in levels.items()
                    }
                )

            base, head = run(levels, speed, {}), run(levels, speed, factors or {})
            pairs.append(Pair(number, kind, number % 2 == 1, base, head, 200.0))
    return compared(pairs)


def steady(head: Mapping[str, float], *, rounds: int = ROUNDS) -> TreeComparison:
    """Rounds that differ by 0.2 %; head's figures are so many times base's."""
    pairs = []
    for number in range(rounds):
        wobble = 1.0 + 0.002 * (number % 2)
        for kind, levels in LEVELS.items():
            of_head = {name: level * wobble * head.get(name, 1.0) for name, level in levels.items()}
            pairs.append(Pair(number, kind, False, TreeRun(levels), TreeRun(of_head), 1.0))
    return compared(pairs)


def result(comparison: TreeComparison, name: str) -> ObjectiveResult:
    return next(each for each in comparison.verdict().objectives if each.name == name)


def test_a_fifth_more_cpu_in_the_live_job_is_found() -> None:
    """In the drain all of it is the live job's; under load a third is."""
    rng = np.random.default_rng(1)
    planted = {DRAIN_CPU: 1.2, LIVE_CPU: 1.2, LOAD_CPU: 1.067}
    found = [simulated(rng, factors=planted).verdict().verdict for _ in range(RUNS)]
    assert np.mean([each is Verdict.FAIL for each in found]) > 0.97
    shortest = [simulated(rng, factors=planted, rounds=3).verdict().verdict for _ in range(RUNS)]
    assert np.mean([each is Verdict.FAIL for each in shortest]) > 0.8
    assert not any(each is Verdict.PASS for each in shortest + found)


def test_the_same_code_is_not_called_changed() -> None:
    """Eight figures each, none of which may be relevantly worse or better."""
    rng = np.random.default_rng(2)
    for rounds in (3, 4, 6):
        comparisons = [simulated(rng, rounds=rounds) for _ in range(RUNS)]
        called = [
            any(each.verdict is Verdict.FAIL or "better" in each.reason for each in comparison.verdict().objectives)
            for comparison in comparisons
        ]
        assert np.mean(called) < 0.02, rounds


def test_the_same_code_on_a_quiet_machine_passes() -> None:
    verdict = steady({}).verdict()
    assert verdict.verdict is Verdict.PASS
    assert all(each.verdict is Verdict.PASS for each in verdict.objectives)


@pytest.mark.parametrize("name", [DRAIN_CPU, LOAD_CPU, REDIS_P99, CACHE_P99, DRAIN_WALL, LIVE_CPU])
def test_each_figure_fails_alone(name: str) -> None:
    verdict = steady({name: 1.2}).verdict()
    assert [each.name for each in verdict.objectives if each.verdict is Verdict.FAIL] == [name]
    assert verdict.verdict is Verdict.FAIL
    assert steady({name: 0.8}).verdict().verdict is Verdict.PASS
    assert "better" in result(steady({name: 0.8}), name).reason


def test_a_change_is_relevant_when_its_whole_interval_lies_beyond_the_tolerance() -> None:
    for factor, verdict in ((1.04, Verdict.PASS), (1.05, Verdict.INCONCLUSIVE), (1.06, Verdict.FAIL)):
        assert result(steady({DRAIN_CPU: factor}), DRAIN_CPU).verdict is verdict, factor


def test_a_primary_figure_that_is_not_known_well_enough_is_inconclusive_and_another_is_not_judged() -> None:
    pairs = steady({}).pairs
    wide = [
        Pair(
            pair.number,
            pair.kind,
            pair.head_first,
            pair.base,
            TreeRun({name: value * (1.0 + 0.3 * (pair.number % 2)) for name, value in pair.head.figures.items()}),
            1.0,
        )
        for pair in pairs
    ]
    assert result(compared(wide), DRAIN_CPU).verdict is Verdict.INCONCLUSIVE
    assert result(compared(wide), REDIS_P99).verdict is Verdict.NOT_JUDGED
    assert compared(wide).verdict().verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("rounds", [0, 1, 2])
def test_too_few_rounds_are_inconclusive(rounds: int) -> None:
    verdict = steady({DRAIN_CPU: 3.0}, rounds=rounds).verdict()
    assert verdict.verdict is Verdict.INCONCLUSIVE
    assert f"{rounds} rounds" in result(steady({}, rounds=rounds), DRAIN_CPU).reason


def without(pairs: Sequence[Pair], tree: str, name: str) -> list[Pair]:
    found = []
    for pair in pairs:
        runs = {"base": pair.base, "head": pair.head}
        runs[tree] = TreeRun({key: value for key, value in runs[tree].figures.items() if key != name})
        found.append(Pair(pair.number, pair.kind, pair.head_first, **runs, seconds=1.0))
    return found


def test_a_figure_that_head_lost_is_inconclusive_and_one_that_base_never_had_is_not_judged() -> None:
    pairs = steady({}).pairs
    lost, new = compared(without(pairs, "head", CACHE_P99)), compared(without(pairs, "base", CACHE_P99))
    assert (lost.verdict().verdict, result(lost, CACHE_P99).reason) == (Verdict.INCONCLUSIVE, "missing in head")
    assert (new.verdict().verdict, result(new, CACHE_P99).reason) == (Verdict.PASS, "base does not have it")


def test_wrong_counts_are_never_good_whatever_they_cost() -> None:
    fast = steady({DRAIN_CPU: 0.5})
    first = fast.pairs[0]
    wrong = TreeRun(first.head.figures, 1)
    in_head = Pair(first.number, first.kind, False, first.base, wrong, 1.0)
    in_base = Pair(first.number, first.kind, False, TreeRun(first.base.figures, 1), first.head, 1.0)
    assert compared([in_head, *fast.pairs[1:]]).verdict().verdict is Verdict.FAIL
    assert compared([in_base, *fast.pairs[1:]]).verdict().verdict is Verdict.INCONCLUSIVE


def test_a_pair_is_read_as_it_was_written() -> None:
    pair = simulated(np.random.default_rng(3)).pairs[0]
    assert pair_of(json.loads(json.dumps(pair.as_json()))) == pair


def test_the_table_has_a_row_for_each_figure() -> None:
    rows = steady({DRAIN_CPU: 1.2}).rows()
    assert [row[0] for row in rows[1:]] == [*LEVELS[Kind.DRAIN], *list(LEVELS[Kind.LOAD])[:4], LIVE_CPU, STORE_CPU]
    assert rows[1][1:4] == ["2.1", "2.523", "+20.1 %"]
