"""How often intervals hold a truth that is known, and how often a worse system still passes.

``python tests/unit/slo/statistics/test_simulation.py`` prints the tables of docs/statistics.md; the long test computes
them again and compares.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from slo.statistics.blocks import Floats
from slo.statistics.growth import growth
from slo.statistics.ratio import Ratio, paired_ratio, percentile_ratios, rounds_ratio
from slo.statistics.share import share_of_good
from slo.statistics.simulation import bursts, correlated, random_walk, sawtooth, steps

PAGE = Path(__file__).parents[4] / "docs" / "statistics.md"
INDEPENDENT_SECONDS = 1.0
TARGET = 0.99
BURSTS = (0.05, 1.0, 5.0)
LENGTHS = (60.0, 300.0, 900.0)
LEAST_COVERAGE = 0.92
MOST_WRONG_PASSES = 0.025
LEAST_COVERAGE_OF_RATIOS = 0.9
"""Of percentiles, from 300 s on and of pairs: a bootstrap of 12 or 20 blocks is that much short of 95 %."""
GROWTH_LIMIT = 60.0
Drift = Callable[[Floats, float, np.random.Generator], Floats]


def jittered(gauge: Drift, noise: float) -> Drift:
    return lambda times, per_hour, rng: gauge(times, per_hour, rng) + rng.normal(0.0, noise, len(times))


GAUGES: dict[str, Drift] = {
    "independent noise of 5": jittered(lambda times, per_hour, _: per_hour * times / 3600.0, 5.0),
    "random walk, 0.2 per poll": lambda times, per_hour, rng: random_walk(times, per_hour, 0.2, rng),
    "random walk, 1 per poll": lambda times, per_hour, rng: random_walk(times, per_hour, 1.0, rng),
    "steps of 25": jittered(lambda times, per_hour, rng: steps(times, per_hour, 25.0, rng), 1.0),
    "steps of 5": jittered(lambda times, per_hour, rng: steps(times, per_hour, 5.0, rng), 0.5),
    "teeth of 50 in 60 s": jittered(lambda times, per_hour, rng: sawtooth(times, per_hour, 50.0, 60.0, rng), 0.5),
    "teeth of 20 in 300 s": jittered(lambda times, per_hour, rng: sawtooth(times, per_hour, 20.0, 300.0, rng), 0.5),
}


@dataclass(frozen=True)
class Cell:
    """Shares of many runs of one kind."""

    covered: float
    passed: float


def shares(truth: float, burst_seconds: float, seconds: float, runs: int) -> Cell:
    rng = np.random.default_rng(round(1e6 * truth + 1e3 * burst_seconds + seconds))
    found = [share_of_good(*bursts(seconds, 1.0 - truth, burst_seconds, rng), INDEPENDENT_SECONDS) for _ in range(runs)]
    return Cell(
        float(np.mean([each.low <= truth <= each.high for each in found])),
        float(np.mean([each.low >= TARGET for each in found])),
    )


def growths(gauge: Drift, per_hour: float, seconds: float, runs: int) -> Cell:
    rng, times = np.random.default_rng(round(seconds + per_hour)), np.arange(0.0, seconds, 5.0)
    found = [growth(times, gauge(times, per_hour, rng)) for _ in range(runs)]
    return Cell(
        float(np.mean([each is not None and each.low <= per_hour <= each.high for each in found])),
        float(np.mean([each is not None and each.high <= GROWTH_LIMIT for each in found])),
    )


def ratios(correlation_seconds: float, seconds: float, runs: int) -> tuple[Cell, Cell]:
    """Of the median and of p99 of two equal rows; ``passed`` is the share called worse by more than 10 %."""
    rng, times = np.random.default_rng(round(seconds + correlation_seconds)), np.arange(0.0, seconds, 0.05)
    draw = partial(correlated, seconds, 0.05, correlation_seconds, rng)
    found = [percentile_ratios((times, draw()), (times, draw()), (0.5, 0.99)) for _ in range(runs)]
    by_share = ([each[at] for each in found if each is not None] for at in (0, 1))
    median, p99 = (_called_worse(each, 1.0, 0.1) for each in by_share)
    return median, p99


def pairs(correlation_seconds: float, seconds: float, runs: int) -> tuple[Cell, Cell]:
    """The same of two interleaved rows: what lasts disturbs both, and each sample has noise of its own."""
    rng, period = np.random.default_rng(round(seconds + correlation_seconds)), 0.05
    blocks = round(seconds / period) // PAIRED_BLOCKS
    found = []
    for _ in range(runs):
        mood = correlated(seconds, period, correlation_seconds, rng)
        a, b = (mood * np.exp(0.3 * rng.normal(size=len(mood))) for _ in range(2))
        found.append([paired_ratio(a, b, share, blocks) for share in (0.5, 0.99)])
    median, p99 = (_called_worse([each[at] for each in found], 1.0, 0.1) for at in (0, 1))
    return median, p99


def rounds(noise: float, factor: float, count: int, runs: int) -> Cell:
    """Of so many rounds in which B costs ``factor`` times A and runs differ; ``passed``: worse by more than 5 %."""
    rng = np.random.default_rng(round(1e4 * noise + 100 * factor + count))
    found = [
        rounds_ratio(np.exp(rng.normal(0.0, noise, count)), factor * np.exp(rng.normal(0.0, noise, count)))
        for _ in range(runs)
    ]
    return _called_worse(found, factor, 0.05)


def _called_worse(found: list[Ratio], truth: float, tolerance: float) -> Cell:
    return Cell(
        float(np.mean([each.low <= truth <= each.high for each in found])),
        float(np.mean([each.low > 1.0 + tolerance for each in found])),
    )


def test_the_interval_of_a_share_holds_the_truth() -> None:
    assert shares(0.97, 1.0, 300.0, 200).covered >= LEAST_COVERAGE


@pytest.mark.parametrize("burst_seconds", BURSTS)
def test_a_share_two_points_below_its_target_does_not_pass(burst_seconds: float) -> None:
    assert shares(0.97, burst_seconds, 300.0, 100).passed <= MOST_WRONG_PASSES


def test_a_healthy_share_passes_in_a_quarter_of_an_hour() -> None:
    """99.9 % good in bursts of a second, against 99 %."""
    assert shares(0.999, 1.0, 900.0, 100).passed >= 0.8


@pytest.mark.parametrize("name", ["random walk, 0.2 per poll", "steps of 25"])
def test_growth_above_its_limit_does_not_pass(name: str) -> None:
    assert growths(GAUGES[name], 100.0, 960.0, 40).passed <= MOST_WRONG_PASSES


def test_the_interval_of_rounds_holds_the_truth_and_finds_a_fifth() -> None:
    assert rounds(0.03, 1.0, 4, 300).covered >= LEAST_COVERAGE
    assert rounds(0.03, 1.0, 3, 300).passed <= MOST_WRONG_PASSES
    assert rounds(0.03, 1.2, 4, 300).passed >= 0.9


SHARE_RUNS, GROWTH_RUNS, RATIO_RUNS, PAIR_RUNS, ROUND_RUNS = 1000, 200, 200, 100, 1000
PAIRED_BLOCKS = 20
CORRELATIONS = (0.0, 1.0, 5.0)
FIGURES = ("median", "p99")


@pytest.mark.long
def test_the_tables_of_the_page_are_these_and_keep_what_they_promise() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for line in tables():
        assert line in page, line


def tables() -> Iterator[str]:
    yield from share_table()
    yield from growth_table()
    yield from ratio_table()
    yield from pair_table()
    yield from round_table()


def share_table() -> Iterator[str]:
    yield "| truth | bursts of | 60 s | 300 s | 900 s |"
    for truth in (0.97, 0.99, 0.999):
        for burst_seconds in BURSTS:
            cells = [shares(truth, burst_seconds, seconds, SHARE_RUNS) for seconds in LENGTHS]
            if burst_seconds <= INDEPENDENT_SECONDS:
                assert min(each.covered for each in cells) >= LEAST_COVERAGE, (truth, burst_seconds)
            if truth <= TARGET - 0.02:
                assert max(each.passed for each in cells) <= MOST_WRONG_PASSES, (truth, burst_seconds)
            if truth == 0.999 and burst_seconds == 1.0:
                assert cells[-1].passed >= 0.8
            yield _row(f"{truth:.1%}".replace(".0%", "%").replace("%", " %"), f"{burst_seconds:g} s", cells)


def growth_table() -> Iterator[str]:
    yield "| gauge | grows per hour by | 960 s | 1800 s |"
    for name, gauge in GAUGES.items():
        for per_hour in (0.0, 100.0):
            cells = [growths(gauge, per_hour, seconds, GROWTH_RUNS) for seconds in (960.0, 1800.0)]
            assert min(each.covered for each in cells) >= LEAST_COVERAGE - 0.02, (name, per_hour)
            if per_hour > GROWTH_LIMIT:
                assert max(each.passed for each in cells) <= MOST_WRONG_PASSES, name
            yield _row(name, f"{per_hour:g}", cells)


def ratio_table() -> Iterator[str]:
    yield "| figure | correlation | 60 s | 300 s | 900 s |"
    for correlation_seconds in CORRELATIONS:
        found = [ratios(correlation_seconds, seconds, RATIO_RUNS) for seconds in LENGTHS]
        for at, figure in enumerate(FIGURES):
            long_enough = [each[at] for each in found[1:]]
            assert min(each.covered for each in long_enough) >= LEAST_COVERAGE_OF_RATIOS, (figure, correlation_seconds)
            assert max(each.passed for each in long_enough) <= MOST_WRONG_PASSES, (figure, correlation_seconds)
            yield _row(figure, f"{correlation_seconds:g} s", [each[at] for each in found])


def pair_table() -> Iterator[str]:
    yield "| figure | correlation | 60 s | 120 s |"
    for correlation_seconds in CORRELATIONS:
        found = [pairs(correlation_seconds, seconds, PAIR_RUNS) for seconds in (60.0, 120.0)]
        for at, figure in enumerate(FIGURES):
            cells = [each[at] for each in found]
            assert min(each.covered for each in cells) >= LEAST_COVERAGE_OF_RATIOS, (figure, correlation_seconds)
            assert max(each.passed for each in cells) <= MOST_WRONG_PASSES, (figure, correlation_seconds)
            yield _row(figure, f"{correlation_seconds:g} s", cells)


def round_table() -> Iterator[str]:
    yield "| runs differ by | B costs | 3 rounds | 4 rounds | 6 rounds |"
    for noise in (0.01, 0.02, 0.03, 0.05):
        for factor in (1.0, 1.2):
            cells = [rounds(noise, factor, count, ROUND_RUNS) for count in (3, 4, 6)]
            assert min(each.covered for each in cells) >= LEAST_COVERAGE, (noise, factor)
            if factor == 1.0:
                assert max(each.passed for each in cells) <= MOST_WRONG_PASSES, noise
            elif noise <= 0.03:
                assert min(each.passed for each in cells[1:]) >= 0.9, noise
            yield _row(f"{100 * noise:g} %", f"{factor:g} times", cells)


def _row(first: str, second: str, cells: list[Cell]) -> str:
    shown = " | ".join(f"{100 * each.covered:.1f} / {100 * each.passed:.1f}" for each in cells)
    return f"| {first} | {second} | {shown} |"


if __name__ == "__main__":
    for row in tables():
        print(row, flush=True)
