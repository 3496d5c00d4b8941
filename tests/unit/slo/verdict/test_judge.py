"""Each comparison just below, at and just above its limit, and what shifts it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from slo.recording import Exactness, Floats, Series
from slo.spec.model import Indicator, Kind, Minimum, Operator
from slo.verdict import Scope, Verdict, judge, judge_objective, judge_run
from tests.unit.slo.verdict.building import BEGAN, SECONDS, objective, recording, series, specification

EACH: dict[str, Any] = {"independent_seconds": 0.01}
"""6,000 samples in a minute, each a piece of evidence of its own."""


def mixed(bad: int, total: int = 6000) -> Floats:
    """So many bad samples of 2 s, spread evenly among good ones of 0.5 s."""
    values = np.full(total, 0.5)
    values[np.linspace(0, total - 1, bad).astype(int)] = 2.0
    return values


@pytest.mark.parametrize(
    ("bad", "verdict"),
    [(0, Verdict.PASS), (540, Verdict.PASS), (600, Verdict.INCONCLUSIVE), (660, Verdict.FAIL), (6000, Verdict.FAIL)],
)
def test_a_share_is_judged_by_its_whole_interval(bad: int, verdict: Verdict) -> None:
    """Target 90 % of 6,000: the interval of 91 % lies above, that of 90 % on both sides, that of 89 % below."""
    run = recording({Indicator.EVENT_TO_REDIS: series(mixed(bad))})
    judged = judge_objective(objective(Kind.LATENCY, **EACH), run)
    assert judged.verdict is verdict
    assert judged.value == pytest.approx(1 - bad / 6000)
    assert judged.interval is not None
    assert judged.interval[0] <= judged.value <= judged.interval[1]
    assert judged.budget_spent == pytest.approx(bad / 600)


def test_the_reason_of_a_close_call_has_the_figures() -> None:
    run = recording({Indicator.EVENT_TO_REDIS: series(mixed(600))})
    judged = judge_objective(objective(Kind.LATENCY, **EACH), run)
    assert judged.reason.startswith("90 % [89.")
    assert judged.reason.endswith("of 6,000: too close to 90 % to say")


def test_events_close_to_each_other_are_one_piece_of_evidence() -> None:
    """450,000 events of 30 s, all good, are 30 independent seconds: too few for 90 %, and the time needed is named."""
    many = series(np.full(450_000, 0.5), seconds=30.0)
    run = recording({Indicator.EVENT_TO_REDIS: many}, ended=BEGAN + 30.0)
    judged = judge_objective(objective(Kind.LATENCY, independent_seconds=1.0), run)
    assert judged.verdict is Verdict.INCONCLUSIVE
    assert judged.reason.endswith("the interval is too wide for 90 %; a run like this one has to take 36 s")
    assert judged.needed_seconds is not None
    longer = recording({Indicator.EVENT_TO_REDIS: series(np.full(6000, 0.5))})
    assert judge_objective(objective(Kind.LATENCY, independent_seconds=1.0), longer).verdict is Verdict.PASS


def test_what_was_measured_in_this_run_needs_no_interval() -> None:
    """30 s and all good: this run met 90 %. With 91 % it did, with 89 % it did not; nothing is said of the next one."""

    def verdict(bad: int) -> Verdict:
        seen = series(mixed(bad, 3000), seconds=30.0, complete=True)
        run = recording({Indicator.EVENT_TO_REDIS: seen}, ended=BEGAN + 30.0)
        return judge_run(specification(objective(Kind.LATENCY, independent_seconds=1.0)), run).verdict

    assert [verdict(bad) for bad in (0, 270, 300, 301)] == [Verdict.PASS, Verdict.PASS, Verdict.PASS, Verdict.FAIL]


@pytest.mark.parametrize(
    ("value", "op", "verdict"),
    [
        (0.999, Operator.LT, Verdict.PASS),
        (1.0, Operator.LT, Verdict.FAIL),
        (1.0, Operator.LTE, Verdict.PASS),
        (1.001, Operator.LTE, Verdict.FAIL),
        (np.nan, Operator.LTE, Verdict.FAIL),
    ],
)
def test_the_operator_decides_at_the_threshold(value: float, op: Operator, verdict: Verdict) -> None:
    """Exactly 1 s is not under 1 s; an event that never came is under nothing."""
    judged = judge_objective(
        objective(Kind.LATENCY, op=op), recording({Indicator.EVENT_TO_REDIS: series(np.full(600, value))})
    )
    assert judged.verdict is verdict


@pytest.mark.parametrize(("bad", "verdict"), [(0, Verdict.PASS), (1, Verdict.FAIL)])
def test_where_nothing_may_be_bad_one_is_too_many(bad: int, verdict: Verdict) -> None:
    """A target of 100 % has no budget to spend."""
    judged = judge_objective(
        objective(Kind.LATENCY, target=1.0), recording({Indicator.EVENT_TO_REDIS: series(mixed(bad))})
    )
    assert (judged.verdict, judged.budget_spent) == (verdict, None)


@pytest.mark.parametrize(
    ("bad", "in_one_stall", "spread_out"),
    [
        (480, Verdict.INCONCLUSIVE, Verdict.PASS),
        (600, Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE),
        (720, Verdict.FAIL, Verdict.FAIL),
    ],
)
def test_a_stall_is_one_piece_of_evidence(bad: int, in_one_stall: Verdict, spread_out: Verdict) -> None:
    """8 % bad in one stall: nobody can say that the next minute has less than 10 %. 12 %: this minute had more."""
    values = np.full(6000, 0.5)
    values[3000 : 3000 + bad] = 2.0
    stalled = recording({Indicator.EVENT_TO_REDIS: series(values)})
    assert judge_objective(objective(Kind.LATENCY, **EACH), stalled).verdict is in_one_stall
    spread = recording({Indicator.EVENT_TO_REDIS: series(mixed(bad))})
    assert judge_objective(objective(Kind.LATENCY, **EACH), spread).verdict is spread_out


def test_one_partition_of_four_that_stands_still_for_5_seconds_breaks_a_minute() -> None:
    """Each fourth event of 5 s waits for the end of it: 1.7 % of the minute's events take longer than a second."""
    rng = np.random.default_rng(41)
    due = np.linspace(0.0, SECONDS, 60_000)
    values = rng.lognormal(np.log(0.25), 0.3, len(due))
    frozen = (due > 20.0) & (due < 25.0) & (np.arange(len(due)) % 4 == 0)
    values[frozen] += 25.0 - due[frozen]
    run = recording({Indicator.EVENT_TO_REDIS: series(values, lowest=values - 0.06, complete=True)})
    judged = judge_objective(objective(Kind.LATENCY, target=0.99), run)
    assert judged.verdict is Verdict.FAIL
    assert judged.budget_spent == pytest.approx(1.75, abs=0.1)


def test_a_breach_within_the_time_between_two_polls_proves_nothing() -> None:
    """1.03 s, polled every 0.05 s: it may have been 0.98 s."""
    values = np.full(600, 1.03)
    coarse = recording({Indicator.EVENT_TO_REDIS: series(values, lowest=values - 0.05)})
    fine = recording({Indicator.EVENT_TO_REDIS: series(values, lowest=values - 0.01)})
    judged = judge_objective(objective(Kind.LATENCY), coarse)
    assert (judged.verdict, judged.in_run) == (Verdict.INCONCLUSIVE, (0.0, 1.0))
    assert judge_objective(objective(Kind.LATENCY), fine).verdict is Verdict.FAIL


@pytest.mark.parametrize("scope", Scope)
def test_one_pause_of_the_poller_is_that_pauses_alone(scope: Scope) -> None:
    """No poll for 2.2 s of a minute leaves those events open; 5 % that are late elsewhere still count as late."""
    due = np.linspace(0.0, SECONDS, 6000)
    values, paused = np.full(6000, 0.5), (due > 30.0) & (due < 32.2)
    values[paused] = 0.5 + 32.2 - due[paused]
    lowest = np.where(paused, 0.4, values - 0.05)
    only_paused = recording({Indicator.EVENT_TO_REDIS: series(values, lowest=lowest, complete=True)})
    target = objective(Kind.LATENCY, target=0.99, independent_seconds=1.0)
    assert judge_objective(target, only_paused, scope=scope).verdict is Verdict.INCONCLUSIVE
    values[:300], lowest[:300] = 2.0, 1.9
    late = recording({Indicator.EVENT_TO_REDIS: series(values, lowest=lowest, complete=True)})
    assert judge_objective(target, late, scope=scope).verdict is Verdict.FAIL


def test_a_pipeline_that_froze_is_not_excused_by_a_late_generator() -> None:
    """The generator was 0.4 s late; events took 5 s from their actual send, too."""
    values = mixed(660)
    values[values > 1.0] = 5.4
    late = series(values, lowest=np.where(values > 1.0, 5.0, 0.1), complete=True)
    run = recording({Indicator.EVENT_TO_REDIS: late})
    assert judge_objective(objective(Kind.LATENCY), run).verdict is Verdict.FAIL
    its_own = series(values, lowest=np.full(6000, 0.1), complete=True)
    run = recording({Indicator.EVENT_TO_REDIS: its_own})
    assert judge_objective(objective(Kind.LATENCY), run).verdict is Verdict.INCONCLUSIVE


def test_a_latency_below_zero_is_no_good_one() -> None:
    """A clock stepped: what took -3 s nobody knows. It is bad for a pass, and no breach."""
    values = np.full(600, 0.5)
    values[:90] = -3.0
    stepped = recording({Indicator.EVENT_TO_REDIS: series(values)})
    assert judge_objective(objective(Kind.LATENCY), stepped).verdict is Verdict.INCONCLUSIVE


def ages(refreshed: Floats, polls: Floats) -> Series:
    """Polls of a page that was refreshed at those seconds of the check."""
    newest = refreshed[np.searchsorted(refreshed, polls, side="right") - 1]
    return Series(BEGAN + polls, polls - newest)


def test_an_age_is_known_between_polls() -> None:
    """Last refreshed at 20 s, so good until 31 of 60 s, though nine of ten polls were made before that."""
    page = objective(Kind.FRESHNESS, value=11.0, minimum=Minimum(30.0, 10))
    polls = np.concatenate((np.linspace(0.0, 20.0, 90), np.linspace(20.5, 59.9, 10)))
    stood_still = recording({Indicator.DASHBOARD_AGE: ages(np.array([0.0, 10.0, 20.0]), polls)})
    judged = judge_objective(page, stood_still, scope=Scope.RUN)
    assert judged.verdict is Verdict.FAIL
    assert judged.in_run == pytest.approx((31 / 60, 31 / 60), abs=0.01)
    went_on = recording({Indicator.DASHBOARD_AGE: ages(np.arange(0.0, 60.0, 10.0), polls)})
    assert judge_objective(page, went_on, scope=Scope.RUN).verdict is Verdict.PASS


def test_a_page_that_answered_4_of_75_polls_does_not_pass() -> None:
    """All four answers were good; nobody knows what it showed afterwards."""
    page = objective(Kind.FRESHNESS, value=11.0, minimum=Minimum(10.0, 4))
    answers = Series(BEGAN + np.array([0.2, 0.4, 0.6, 0.8]), np.full(4, 0.5))
    judged = judge_objective(page, recording({Indicator.DASHBOARD_AGE: answers}), scope=Scope.RUN)
    assert judged.verdict is Verdict.INCONCLUSIVE


def test_a_failed_look_at_counts_loses_no_event() -> None:
    """300 polls failed, the next ones saw all events, only later. Where 601 failed, the probe does not work."""

    def verdict(failed: int) -> Verdict:
        seen = series(np.full(600, 0.5), failed_looks=failed)
        return judge_objective(objective(Kind.LATENCY), recording({Indicator.EVENT_TO_REDIS: seen})).verdict

    assert [verdict(300), verdict(601)] == [Verdict.PASS, Verdict.INCONCLUSIVE]


@pytest.mark.parametrize(
    ("highest", "verdict"), [(0.999, Verdict.PASS), (1.0, Verdict.PASS), (1.001, Verdict.FAIL), (np.nan, Verdict.FAIL)]
)
def test_one_look_above_the_ceiling_fails(highest: float, verdict: Verdict) -> None:
    """Of 600; at the ceiling is not above it; a sample that never came is bad."""
    values = np.full(600, 0.5)
    values[300] = highest
    judged = judge_objective(objective(Kind.CEILING), recording({Indicator.REDIS_MEMORY: series(values)}))
    assert (judged.verdict, judged.unit) == (verdict, "bytes")


def test_a_ceiling_that_was_broken_was_broken_however_few_looked() -> None:
    """One poll is too few for a pass and enough for a breach."""
    one = series(np.array([2.0]))
    assert judge_objective(objective(Kind.CEILING), recording({Indicator.REDIS_MEMORY: one})).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("per_hour", "verdict"),
    [(-5.0, Verdict.PASS), (0.999, Verdict.PASS), (1.0, Verdict.PASS), (1.001, Verdict.FAIL)],
)
def test_growth_without_noise_is_judged_at_its_slope(per_hour: float, verdict: Verdict) -> None:
    """The limit is 1 byte per hour; the interval of an exact line is (almost) a point."""
    values = np.round(per_hour * np.linspace(0, 3600, 601) / 3600, 12)
    values[-1] = values[-2]
    hour = recording({Indicator.CHECKPOINT_SIZE: series(values, seconds=3600.0)}, ended=BEGAN + 3600.0)
    judged = judge_objective(objective(Kind.GROWTH, value=1.0 + 1e-9), hour)
    assert (judged.verdict, judged.unit) == (verdict, "bytes/h")
    assert judged.value == pytest.approx(per_hour, rel=1e-4)


def test_a_gauge_that_may_not_grow_and_does_not() -> None:
    """Limit 0 and slope exactly 0: at the limit is not above it."""
    flat = judge_objective(objective(Kind.GROWTH, value=0.0), recording())
    assert (flat.verdict, flat.value, flat.interval) == (Verdict.PASS, 0.0, (0.0, 0.0))


def test_growth_with_samples_that_never_came_does_not_pass() -> None:
    """What is missing may be where it grew. The rest still shows a breach."""
    flat, steep = np.full(600, 0.5), np.linspace(0.0, 100.0, 600)
    flat[300] = steep[300] = np.nan
    judged = judge_objective(objective(Kind.GROWTH), recording({Indicator.CHECKPOINT_SIZE: series(flat)}))
    assert (judged.verdict, judged.reason) == (Verdict.INCONCLUSIVE, "1 samples never came")
    grown = judge_objective(objective(Kind.GROWTH), recording({Indicator.CHECKPOINT_SIZE: series(steep)}))
    assert grown.verdict is Verdict.FAIL


def test_growth_in_noise_is_inconclusive() -> None:
    """A minute of noise of 1 byte says nothing about 1 byte an hour."""
    noise = np.random.default_rng(4).normal(size=600)
    judged = judge_objective(objective(Kind.GROWTH), recording({Indicator.CHECKPOINT_SIZE: series(noise)}))
    assert judged.verdict is Verdict.INCONCLUSIVE
    assert judged.interval is not None
    assert judged.interval[0] <= 1.0 < judged.interval[1]


def test_growth_during_warm_up_is_left_out() -> None:
    """It fills up for 20 s and is flat after that."""
    values = np.concatenate((np.linspace(0, 100, 200), np.full(400, 100.0)))
    filling = recording({Indicator.CHECKPOINT_SIZE: series(values)})
    assert judge_objective(objective(Kind.GROWTH, warm_up_seconds=21.0), filling).verdict is Verdict.PASS
    short_warm_up = judge_objective(objective(Kind.GROWTH, warm_up_seconds=0.0), filling)
    assert short_warm_up.verdict is not Verdict.PASS
    assert judge_objective(objective(Kind.GROWTH, warm_up_seconds=55.0), filling).reason == (
        "50 samples are too few: it takes 100, so a run like this one has to take 65 s"
    )


@pytest.mark.parametrize(
    ("store", "verdict", "reason"),
    [
        (np.linspace(0.0, 0.5, 60), Verdict.PASS, ""),
        (np.linspace(0.0, 1.8, 60), Verdict.FAIL, "store: grows faster than the limit, and not by chance"),
        (
            np.full(60, np.nan),
            Verdict.INCONCLUSIVE,
            "store: 0 samples are too few: it takes 60",
        ),
    ],
)
def test_growth_of_the_worst_job_decides(store: Floats, verdict: Verdict, reason: str) -> None:
    """A byte an hour is the limit. Pooled with a job that stands still, 1.8 bytes an hour would be 0.9."""
    values, subjects = np.column_stack((np.zeros(60), store)).ravel(), np.tile(["live", "store"], 60)
    pooled = series(values, seconds=3600.0, subjects=subjects)
    hour = recording({Indicator.CHECKPOINT_SIZE: pooled}, ended=BEGAN + 3600.0)
    judged = judge_objective(objective(Kind.GROWTH, minimum=Minimum(30.0, 60)), hour)
    assert (judged.verdict, judged.reason) == (verdict, reason)


@pytest.mark.parametrize(("differences", "verdict"), [(0, Verdict.PASS), (1, Verdict.FAIL)])
def test_one_difference_is_not_correct(differences: int, verdict: Verdict) -> None:
    """Of a million records."""
    judged = judge_objective(
        objective(Kind.CORRECTNESS), recording(exactness=Exactness(records=1_000_000, differences=differences))
    )
    assert (judged.verdict, judged.samples, judged.value) == (verdict, 1_000_000, float(differences))


def test_counts_of_which_none_could_be_compared_are_not_correct() -> None:
    """Nobody could look; but a difference that was found is one."""
    some = Exactness(records=1_000_000, differences=0, unverifiable="nothing could be verified")
    judged = judge_objective(objective(Kind.CORRECTNESS), recording(exactness=some))
    assert (judged.verdict, judged.reason) == (Verdict.INCONCLUSIVE, "nothing could be verified")
    found = Exactness(records=1_000_000, differences=2, unverifiable="nothing could be verified")
    assert judge_objective(objective(Kind.CORRECTNESS), recording(exactness=found)).verdict is Verdict.FAIL


def test_one_close_of_windows_in_the_middle_of_a_check_is_no_silence() -> None:
    """300 cells at 45 s of 90: the next minute ends after the check."""
    windows = objective(Kind.LATENCY, indicator=Indicator.WINDOW_CLOSE)
    closed = type(series(np.zeros(1)))(np.full(300, BEGAN + 45.0), np.full(300, 0.5))
    run = recording({Indicator.WINDOW_CLOSE: closed}, ended=BEGAN + 90.0)
    assert judge_objective(windows, run, scope=Scope.RUN).verdict is Verdict.PASS


def test_windows_that_close_by_the_hundred_once_a_minute_are_no_silence() -> None:
    """300 cells at 70, 130 and 190 s of a check of 210 s."""
    windows = objective(Kind.LATENCY, indicator=Indicator.WINDOW_CLOSE)
    closes = np.repeat([70.0, 130.0, 190.0], 300) + BEGAN
    lateness = series(np.full(900, 0.5))
    seen = type(lateness)(closes, lateness.values)
    run = recording({Indicator.WINDOW_CLOSE: seen}, ended=BEGAN + 210.0)
    assert judge_objective(windows, run, scope=Scope.RUN).verdict is Verdict.PASS
    gone = recording({Indicator.WINDOW_CLOSE: seen}, ended=BEGAN + 600.0)
    assert "silent for 410 s" in judge_objective(windows, gone, scope=Scope.RUN).reason


def test_a_run_is_judged_in_the_order_of_its_specification() -> None:
    """And the same recording is always judged the same."""
    everything = specification(*(objective(kind) for kind in Kind))
    judged = judge(everything, recording())
    assert judged.verdict is Verdict.PASS
    assert [each.name for each in judged.objectives] == ["latency", "freshness", "ceiling", "growth", "correctness"]
    assert judge(everything, recording()) == judged
