"""Schedules: event index to intended time, without a clock."""

from __future__ import annotations

import numpy as np
import pytest

from loadgen.pacer import CurvePacer, SteadyPacer, pacer_of
from loadgen.rate_curve import RateCurve, RatePoint


def test_events_are_evenly_spaced() -> None:
    """At 4 events/s they are due at 0, 250, 500 and 750 ms."""
    offsets = SteadyPacer(rate=4, seconds=1).offsets_ns(0, 4)
    assert offsets.tolist() == [0, 250_000_000, 500_000_000, 750_000_000]


def test_any_part_of_the_schedule_is_the_same_as_the_whole() -> None:
    """Batches may be cut anywhere."""
    pacer = SteadyPacer(rate=20_000, seconds=300)
    assert np.array_equal(pacer.offsets_ns(0, 5_000)[4_000:], pacer.offsets_ns(4_000, 1_000))


def test_no_drift_over_a_day() -> None:
    """Event 1,728,000,000 at 20,000/s is due after exactly 86,400 s."""
    assert SteadyPacer(rate=20_000, seconds=None).offsets_ns(1_728_000_000, 1)[0] == 86_400_000_000_000


@pytest.mark.parametrize(("at_ms", "due"), [(-1, 0), (0, 1), (249, 1), (250, 2), (999, 4), (5_000, 4)])
def test_due(at_ms: int, due: int) -> None:
    """Of four events in one second; before the start none, after the end all."""
    assert SteadyPacer(rate=4, seconds=1).due(at_ms * 1_000_000) == due


def test_a_run_without_an_end_has_no_total() -> None:
    """It is due forever."""
    pacer = SteadyPacer(rate=10, seconds=None)
    assert pacer.total is None
    assert pacer.due(3_600_000_000_000) == 36_001


@pytest.mark.parametrize(("rate", "seconds", "total"), [(5_000, 90, 450_000), (0.5, 10, 5), (3, 0.5, 2)])
def test_total(rate: float, seconds: float, total: int) -> None:
    """Rate times seconds, rounded."""
    assert SteadyPacer(rate, seconds).total == total


BURST = RateCurve((RatePoint(0, 1), RatePoint(1, 1), RatePoint(1, 3), RatePoint(2, 3)), repeat_seconds=2)


def test_a_burst_is_due_within_its_second() -> None:
    """At 2/s, then three times that: 0, 500 ms, then six within the second, then 2/s again."""
    pacer = CurvePacer(2, 4, BURST)
    assert pacer.total == 16
    assert (pacer.offsets_ns(0, 10) / 1e6).round().tolist() == [0, 500, 1000, 1167, 1333, 1500, 1667, 1833, 2000, 2500]
    assert [pacer.due(at * 1_000_000) for at in (-1, 0, 499, 501, 1001, 1999, 60_000)] == [0, 1, 1, 2, 3, 8, 16]


def test_a_part_of_a_curved_schedule_is_the_same_as_the_whole() -> None:
    """Batches may be cut anywhere."""
    pacer = CurvePacer(20_000, None, BURST)
    assert pacer.mean_rate == 40_000
    assert np.array_equal(pacer.offsets_ns(0, 50_000)[40_000:], pacer.offsets_ns(40_000, 10_000))


def test_without_a_curve_the_schedule_is_steady() -> None:
    """The profile says which it is."""
    assert pacer_of(5, 6, None) == SteadyPacer(5, 6)
    assert pacer_of(5, 6, BURST) == CurvePacer(5, 6, BURST)
