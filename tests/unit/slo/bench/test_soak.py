"""What a soak says of half an hour in which something leaks, or nothing does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.settings import WINDOW_SIZES_SECONDS, Settings
from slo.bench.soak import SETTINGS, doubtful, levels, shortest_seconds, with_subjects
from slo.check import LoadSummary
from slo.latency.figures import Spread
from slo.recording import Exactness, Floats, Recording, Series
from slo.spec.model import Indicator, Kind
from slo.spec.parse import load_bundled_soak
from slo.verdict import RunVerdict, Verdict, judge

BEGAN, SECONDS = 1_764_000_000.0, 1800.0
SERVICES = ("taskmanager-live", "kafka", "redis")
SUBJECTS = {
    Indicator.CHECKPOINT_SIZE: ("adctr-live", "adctr-store"),
    Indicator.STATE_STORAGE: ("adctr-live", "adctr-store"),
    Indicator.POSTGRES_BLOAT: ("metrics_1min", "raw_events"),
    Indicator.PROCESS_MEMORY: SERVICES,
    Indicator.PROCESS_FILE_HANDLES: SERVICES,
    Indicator.PROCESS_THREADS: SERVICES,
}
LEVELS = {
    Indicator.CHECKPOINT_SIZE: 2e6,
    Indicator.STATE_STORAGE: 6e6,
    Indicator.REDIS_MEMORY: 3e6,
    Indicator.POSTGRES_BLOAT: 4e6,
    Indicator.PROCESS_MEMORY: 7e8,
    Indicator.PROCESS_FILE_HANDLES: 300.0,
    Indicator.PROCESS_THREADS: 80.0,
}
WHOLE = (Indicator.PROCESS_FILE_HANDLES, Indicator.PROCESS_THREADS)
SPECIFICATION = with_subjects(load_bundled_soak(), SUBJECTS)
GROWTH = [each for each in SPECIFICATION.objectives if each.kind is Kind.GROWTH]


def gauge(indicator: Indicator, seed: int, per_hour: float = 0.0) -> tuple[Floats, Floats]:
    """A poll every 5 s: fills up for ten minutes, then goes up and down with windows and collections, and leaks."""
    rng = np.random.default_rng(seed)
    times = np.arange(0.0, SECONDS, 5.0)
    level = LEVELS[indicator]
    values = level * (1.0 - 0.5 * np.exp(-times / 150.0))
    values += level * 0.01 * (times % 300.0) / 300.0 + rng.normal(0.0, 0.003 * level, len(times))
    values += per_hour * times / 3600.0
    return times + BEGAN, np.floor(values) if indicator in WHOLE else values


def series(indicator: Indicator, leaks: Mapping[str, float]) -> Series:
    """Of every subject; ``leaks`` are per hour, by subject."""
    parts = [
        (subject, *gauge(indicator, seed, leaks.get(subject, 0.0)))
        for seed, subject in enumerate(SUBJECTS.get(indicator, ("",)))
    ]
    times, values = (np.concatenate([part[at] for part in parts]) for at in (1, 2))
    subjects = np.repeat([part[0] for part in parts], [len(part[1]) for part in parts])
    order = np.argsort(times, kind="stable")
    return Series(times[order], values[order], subjects=subjects[order] if indicator in SUBJECTS else None)


def recording(leaks: Mapping[tuple[Indicator, str], float] | None = None, seconds: float = SECONDS) -> Recording:
    found = {}
    for indicator in LEVELS:
        of_it = {subject: leak for (of, subject), leak in (leaks or {}).items() if of is indicator}
        found[indicator] = series(indicator, of_it)
    whole = Recording(BEGAN, BEGAN + SECONDS, found, exactness=Exactness(18_000_000, 0))
    return whole.last(seconds)


def said(verdict: RunVerdict) -> dict[str, Verdict]:
    return {each.name: each.verdict for each in verdict.objectives}


def test_a_stack_that_has_settled_passes_and_every_slope_has_its_interval() -> None:
    verdict = judge(SPECIFICATION, recording(), release=True)
    assert set(said(verdict).values()) == {Verdict.PASS}
    assert all(each.interval is not None for each in verdict.objectives if each.name != "counts_exact")


@pytest.mark.parametrize("objective", GROWTH, ids=lambda each: each.name)
def test_a_leak_fails_its_objective_and_no_other(objective: object) -> None:
    """Of twice the limit, in one job, table or process among several: 120 MB per hour of memory, for instance."""
    chosen = next(each for each in GROWTH if each is objective)
    assert chosen.value is not None
    leaking = recording({(chosen.indicator, chosen.subject): 2.0 * chosen.value})
    found = said(judge(SPECIFICATION, leaking, release=True))
    assert [name for name, verdict in found.items() if verdict is not Verdict.PASS] == [chosen.name]
    assert found[chosen.name] is Verdict.FAIL


@pytest.mark.parametrize(
    ("indicator", "subject", "per_hour"),
    [(Indicator.CHECKPOINT_SIZE, "adctr-store", 3.9e6), (Indicator.REDIS_MEMORY, "", 1.2e6)],
)
def test_windows_that_are_never_forgotten_are_found(indicator: Indicator, subject: str, per_hour: float) -> None:
    """What a job's state grew by when its windows did not close, and what Redis would with keys that do not expire."""
    found = judge(SPECIFICATION, recording({(indicator, subject): per_hour}), release=True)
    assert [each.verdict for each in found.objectives if each.verdict is not Verdict.PASS] == [Verdict.FAIL]


def test_a_leak_of_100_mb_an_hour_is_told_from_noise() -> None:
    leaking = recording({(Indicator.PROCESS_MEMORY, "kafka"): 100e6})
    found = {each.name: each for each in judge(SPECIFICATION, leaking, release=True).objectives}
    kafka = found["process_memory_growth.kafka"]
    assert kafka.verdict is Verdict.FAIL
    assert kafka.interval is not None
    assert kafka.interval[0] < 100e6 < kafka.interval[1]


def test_half_an_hour_is_enough_and_steady_before_half_of_it() -> None:
    """The last windows to become level are those of 5 minutes in Redis."""
    settings = Settings(**SETTINGS)
    level_after = max(WINDOW_SIZES_SECONDS) + max(settings.cache_retention_seconds, settings.final_after_seconds)
    warm_ups = {each.warm_up_seconds for each in GROWTH}
    assert shortest_seconds(load_bundled_soak()) <= SECONDS
    assert level_after < min(warm_ups)
    assert max(warm_ups) < SECONDS / 2


def test_too_short_a_soak_is_inconclusive() -> None:
    found = judge(SPECIFICATION, recording(seconds=1200.0), release=True)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert {said(found)[each.name] for each in GROWTH} == {Verdict.INCONCLUSIVE}


def test_a_process_that_nobody_saw_is_inconclusive() -> None:
    subjects = {**SUBJECTS, Indicator.PROCESS_MEMORY: (*SERVICES, "canary")}
    found = said(judge(with_subjects(load_bundled_soak(), subjects), recording(), release=True))
    assert found["process_memory_growth.canary"] is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(("failed", "rate", "void"), [(3, 10_000.0, "3 sends failed"), (0, 9_000.0, "9,000 events/s")])
def test_less_load_than_was_asked_for_proves_nothing(failed: int, rate: float, void: str) -> None:
    load = LoadSummary(Path("x.ledger"), 18_000_000, 18_000_000 - failed, failed, rate, Spread(0.0, 0.0, 0.0))
    verdict = judge(SPECIFICATION, doubtful(recording(), load, 10_000.0), release=True)
    kafka = next(each for each in verdict.objectives if each.name == "process_memory_growth.kafka")
    assert (kafka.verdict, kafka.void) == (Verdict.INCONCLUSIVE, True)
    assert void in kafka.reason


def test_wrong_counts_fail_the_soak() -> None:
    wrong = replace(recording(), exactness=Exactness(18_000_000, 1))
    assert judge(SPECIFICATION, wrong, release=True).verdict is Verdict.FAIL


def test_progress_sums_up_all_processes() -> None:
    assert "memory 2.1" in levels(recording())
    assert "Redis 3.0" in levels(recording())
