"""What must never pass, whatever the kind: nothing, too little, void, a probe that died."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from slo.recording import Exactness, Series
from slo.spec.model import Ceiling, Indicator, Kind, Minimum
from slo.verdict import Verdict, judge, judge_objective, judge_run
from tests.unit.slo.verdict.building import BEGAN, INDICATORS, objective, recording, series, specification

EVERY_KIND = list(Kind)
SAMPLED = [kind for kind in Kind if kind is not Kind.CORRECTNESS]


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_all_well_passes(kind: Kind) -> None:
    """Or the other tests here would prove nothing."""
    assert judge_objective(objective(kind), recording()).verdict is Verdict.PASS


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_nothing_recorded(kind: Kind) -> None:
    """No series at all, no comparison of counts."""
    judged = judge_objective(objective(kind), replace(recording(), series={}, exactness=None))
    assert judged.verdict is Verdict.INCONCLUSIVE
    assert judged.value is None
    expected = "the counts were not compared" if kind is Kind.CORRECTNESS else "no samples: did the probe run?"
    assert judged.reason == expected


@pytest.mark.parametrize("kind", SAMPLED)
def test_an_empty_series(kind: Kind) -> None:
    judged = judge_objective(objective(kind), recording({INDICATORS[kind]: series(np.zeros(0))}))
    assert (judged.verdict, judged.samples) == (Verdict.INCONCLUSIVE, 0)


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_99_of_100_samples_are_too_few(kind: Kind) -> None:
    """However good they are; the reason says how many it takes."""
    few = recording({INDICATORS[kind]: series(np.full(99, 0.5))}, exactness=Exactness(records=99, differences=0))
    judged = judge_objective(objective(kind), few)
    assert (judged.verdict, judged.samples) == (Verdict.INCONCLUSIVE, 99)
    assert judged.reason.startswith("99 samples are too few: it takes 100, so a run like this one has to take ")
    assert judged.needed_seconds is not None
    assert judged.needed_seconds > few.seconds


@pytest.mark.parametrize("kind", SAMPLED)
@pytest.mark.parametrize("value", [0.5, 5.0])
def test_a_void_series_neither_passes_nor_fails(kind: Kind, value: float) -> None:
    """However good or bad it looks; what figures it has are marked."""
    void = series(np.full(600, value), void="the clock stepped")
    judged = judge_objective(objective(kind), recording({INDICATORS[kind]: void}))
    assert (judged.verdict, judged.reason) == (Verdict.INCONCLUSIVE, "void: the clock stepped")
    assert judged.value is not None
    assert judged.void


@pytest.mark.parametrize("kind", SAMPLED)
@pytest.mark.parametrize(
    ("seconds", "samples", "void", "verdict"),
    [
        (20.0, 200, "", Verdict.NOT_JUDGED),
        (60.0, 99, "", Verdict.INCONCLUSIVE),
        (60.0, 600, "the clock stepped", Verdict.INCONCLUSIVE),
    ],
)
def test_what_is_not_judged_still_has_its_figures(
    kind: Kind, seconds: float, samples: int, void: str, verdict: Verdict
) -> None:
    """Too short, too few, void: figure, limit, samples, and where the kind has them interval and budget."""
    seen = series(np.full(samples, 0.3), seconds, void=void)
    run = recording({INDICATORS[kind]: seen}, ended=BEGAN + seconds)
    judged = judge_objective(objective(kind), run)
    assert (judged.verdict, judged.samples, judged.void) == (verdict, samples, bool(void))
    is_share, value = kind in (Kind.LATENCY, Kind.FRESHNESS), {Kind.CEILING: 0.3, Kind.GROWTH: 0.0}
    assert judged.value == (1.0 if is_share else value[kind])
    assert judged.objective == (0.9 if is_share else 1.0)
    assert (judged.budget_spent is not None) == is_share
    assert (judged.interval is not None) == (kind is not Kind.CEILING)


@pytest.mark.parametrize("kind", SAMPLED)
@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        (0.0, 30.0, "silent for 30 s, 30 s into the check"),
        (30.0, 60.0, "silent for 30 s, 0 s into the check"),
        (0.0, 48.0, "silent for 12 s, 48 s into the check"),
    ],
)
def test_a_probe_that_died_or_came_late(kind: Kind, first: float, last: float, said: str) -> None:
    """It has samples enough, and all are good."""
    times = BEGAN + np.linspace(first, last, 600)
    indicator = Indicator.CACHE_READ if kind is Kind.LATENCY else INDICATORS[kind]
    silent = replace(series(np.full(600, 0.5)), times=times)
    judged = judge_objective(objective(kind, indicator=indicator), recording({indicator: silent}))
    assert judged.verdict is Verdict.INCONCLUSIVE
    # Of an age the time that nobody polled is unknown in itself.
    assert (said if kind is not Kind.FRESHNESS else "as exactly as was polled") in judged.reason


def test_the_end_of_the_load_is_no_silence_where_the_ledger_has_every_event() -> None:
    """30 s of load, 30 s of waiting for the last event. Canaries, which no ledger has, must go on to the end."""
    load = replace(series(np.full(600, 0.5)), times=BEGAN + np.linspace(0.0, 30.0, 600))
    seen = {Indicator.EVENT_TO_REDIS: load}
    assert judge_objective(objective(Kind.LATENCY), recording(seen)).verdict is Verdict.PASS
    canaries = judge_objective(objective(Kind.LATENCY), recording(seen, exactness=None))
    assert canaries.reason == "the probe was silent for 30 s, 30 s into the check"


@pytest.mark.parametrize("kind", SAMPLED)
def test_a_probe_that_fell_silent_for_fifteen_seconds_in_the_middle(kind: Kind) -> None:
    times = BEGAN + np.concatenate((np.linspace(0, 20, 300), np.linspace(35, 60, 300)))
    judged = judge_objective(
        objective(kind), recording({INDICATORS[kind]: replace(series(np.full(600, 0.5)), times=times)})
    )
    assert judged.verdict is Verdict.INCONCLUSIVE
    said = "as exactly as was polled" if kind is Kind.FRESHNESS else "the probe was silent for 15 s, 20 s into the"
    assert said in judged.reason


@pytest.mark.parametrize("kind", SAMPLED)
def test_a_probe_whose_looks_mostly_failed(kind: Kind) -> None:
    """600 answers, all good, and 900 looks without one."""
    failed = series(np.full(600, 0.5), failed_looks=900)
    assert judge_objective(objective(kind), recording({INDICATORS[kind]: failed})).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("kind", SAMPLED)
def test_samples_that_never_came(kind: Kind) -> None:
    """All NaN."""
    nothing = series(np.full(600, np.nan))
    assert judge_objective(objective(kind), recording({INDICATORS[kind]: nothing})).verdict is not Verdict.PASS


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_a_check_that_is_too_short_is_not_judged_and_releases_nothing(kind: Kind) -> None:
    """A minimum of 60 s and a check of 59.9."""
    demanding = objective(kind, minimum=Minimum(60.0, 100))
    short = recording(ended=BEGAN + 59.9)
    assert judge_objective(demanding, short).verdict is Verdict.NOT_JUDGED
    assert judge_objective(demanding, short, release=True).verdict is Verdict.INCONCLUSIVE
    assert judge_objective(demanding, recording(), release=True).verdict is Verdict.PASS
    assert judge(specification(demanding), short).verdict is Verdict.INCONCLUSIVE  # nothing was judged


@pytest.mark.parametrize(
    "indicator", [Indicator.EVENT_TO_REDIS, Indicator.EVENT_TO_POSTGRES, Indicator.WINDOW_CLOSE, Indicator.CACHE_READ]
)
def test_latencies_by_count_are_void_where_counts_are_wrong(indicator: Indicator) -> None:
    """Count matching then matched the wrong events. A cache read has nothing to do with it."""
    wrong = recording(exactness=Exactness(records=1000, differences=1))
    judged = judge_objective(objective(Kind.LATENCY, indicator=indicator), wrong)
    if indicator is Indicator.CACHE_READ:
        assert judged.verdict is Verdict.PASS
    else:
        assert (judged.verdict, judged.reason) == (Verdict.INCONCLUSIVE, "void: the counts are not exact")


def test_latencies_stand_where_counts_were_not_compared() -> None:
    """In production there is no ledger; but a comparison that could not be made is no comparison passed."""
    latency = objective(Kind.LATENCY)
    assert judge_objective(latency, recording(exactness=None)).verdict is Verdict.PASS
    unverifiable = recording(exactness=Exactness(records=0, differences=0, unverifiable="windows expired"))
    assert judge_objective(latency, unverifiable).reason == (
        "nobody knows whether the counts are exact (windows expired)"
    )


def test_a_ceiling_that_nobody_computed() -> None:
    """Whatever was found under it."""
    computed = objective(Kind.CEILING, value=None, computed=Ceiling.REDIS_MEMORY)
    assert judge_objective(computed, recording()).verdict is Verdict.PASS
    judged = judge_objective(computed, recording(ceilings={}))
    assert (judged.verdict, judged.value, judged.objective) == (Verdict.INCONCLUSIVE, 0.5, None)


def test_what_was_late_is_late_though_nobody_knows_whether_the_counts_are_right() -> None:
    """A run that could not be drained keeps the breach that it measured."""
    late = replace(series(np.full(600, 5.0)), complete=True)
    undrained = Exactness(records=0, differences=0, unverifiable="not drained in time")
    judged = judge_objective(objective(Kind.LATENCY), recording({Indicator.EVENT_TO_REDIS: late}, exactness=undrained))
    assert judged.verdict is Verdict.FAIL


JOBS = ("adctr-live", "adctr-store")


@pytest.mark.parametrize("kind", SAMPLED)
@pytest.mark.parametrize("until", [0.0, 30.0])
def test_a_job_that_is_missing_or_silent_from_the_middle_on_is_not_pooled_away(kind: Kind, until: float) -> None:
    """The other one has 600 good samples, more than all of them need."""
    of_store = round(600 * until / 60.0)
    times = BEGAN + np.concatenate((np.linspace(0.0, 60.0, 600), np.linspace(0.0, until, of_store)))
    subjects, order = np.repeat(JOBS, (600, of_store)), np.argsort(times, kind="stable")
    seen = Series(times[order], np.full(len(times), 0.5), subjects=subjects[order], expected=JOBS)
    indicator = Indicator.CHECKPOINT_DURATION if kind is Kind.LATENCY else INDICATORS[kind]
    judged = judge_objective(objective(kind, indicator=indicator), recording({indicator: seen}))
    assert judged.verdict is Verdict.INCONCLUSIVE
    assert judged.reason.startswith("adctr-store: ")


def test_one_jobs_slow_checkpoints_are_not_averaged_with_the_others() -> None:
    """240 s each, one in ten of all: pooled they would be within the budget."""
    slow = np.arange(600) % 10 == 0
    seen = series(np.where(slow, 240.0, 0.5), subjects=np.where(slow, "adctr-store", "adctr-live"), complete=True)
    lenient = objective(Kind.LATENCY, indicator=Indicator.CHECKPOINT_DURATION, target=0.85, minimum=Minimum(30.0, 20))
    judged = judge_objective(lenient, recording({Indicator.CHECKPOINT_DURATION: seen}))
    assert (judged.verdict, judged.value) == (Verdict.FAIL, 0.0)
    assert judged.reason.startswith("adctr-store: ")


@pytest.mark.parametrize("kind", [Kind.LATENCY, Kind.FRESHNESS, Kind.GROWTH])
@pytest.mark.parametrize(("seconds", "asked"), [(29.0, 0.0), (40.0, 60.0)])
def test_a_run_that_is_too_short_or_was_interrupted_passes_nothing(kind: Kind, seconds: float, asked: float) -> None:
    short = recording({INDICATORS[kind]: series(np.full(600, 0.5), seconds)}, ended=BEGAN + seconds)
    judged = judge_run(specification(objective(kind, minimum=Minimum(1.0, 100))), short, asked)
    assert judged.verdict is Verdict.INCONCLUSIVE
    assert judge_run(specification(objective(kind)), recording(), 60.0).verdict is Verdict.PASS


def test_what_a_short_run_was_seen_to_break_is_broken() -> None:
    """20 s and an objective for 30: one poll above the ceiling, and one wrong count."""
    short = recording({Indicator.REDIS_MEMORY: series(np.full(600, 5.0), 20.0)}, ended=BEGAN + 20.0)
    assert judge_run(specification(objective(Kind.CEILING)), short).verdict is Verdict.FAIL
    wrong = replace(short, exactness=Exactness(records=10, differences=1))
    assert judge_run(specification(objective(Kind.CORRECTNESS)), wrong).verdict is Verdict.FAIL


def test_an_overcount_that_was_corrected_is_a_difference() -> None:
    """Everything is right at the end; for a time a store showed two events too many."""
    corrected = Exactness(records=1000, differences=0, taken_back=2)
    judged = judge_objective(objective(Kind.CORRECTNESS), recording(exactness=corrected))
    assert (judged.verdict, judged.value) == (Verdict.FAIL, 2.0)
