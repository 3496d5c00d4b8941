"""When jobs fall behind."""

from __future__ import annotations

import numpy as np
import pytest

from slo.bench.lag_trend import certain_lag_slope, falls_behind, lag_slope
from slo.recording import Series

RATE = 20_000.0


def _sawtooth(seconds: float, growth: float, *, phase: float = 0.0, period: float = 5.0) -> Series:
    """Offsets are committed every 5 s; of two jobs one keeps up."""
    times = np.arange(1000.0, 1000.0 + seconds, 2.0)
    slow = RATE * ((times - 1000.0 + phase) % period) + growth * (times - 1000.0)
    return Series(np.repeat(times, 2), np.stack([slow, np.zeros_like(slow)], axis=1).ravel())


@pytest.mark.parametrize("seconds", [30, 60, 240])
def test_the_sawtooth_of_checkpoints_is_no_trend(seconds: float) -> None:
    assert not falls_behind(lag_slope(_sawtooth(seconds, 0.0), 1000.0), RATE)


@pytest.mark.parametrize("seconds", [30, 60, 240])
def test_a_job_that_takes_nine_tenths_of_the_rate_falls_behind(seconds: float) -> None:
    """Though the other one keeps up."""
    slope = lag_slope(_sawtooth(seconds, RATE / 10), 1000.0)
    assert slope == pytest.approx(RATE / 10, rel=0.3)
    assert falls_behind(slope, RATE)


@pytest.mark.parametrize("phase", np.arange(0.0, 5.2, 0.2))
def test_a_tooth_that_is_cut_off_ends_no_trial(phase: float) -> None:
    """Looked at every 2 s, a saw of 5.1 s rises or falls for as long as it takes them to meet again."""
    for seconds in range(28, 60, 2):
        series = _sawtooth(seconds, 0.0, phase=phase, period=5.1)
        assert not falls_behind(certain_lag_slope(series, 1000.0), RATE)
        falling_back = _sawtooth(seconds, RATE / 2, phase=phase, period=5.1)
        assert falls_behind(certain_lag_slope(falling_back, 1000.0), RATE)


def test_too_short_a_look_says_nothing() -> None:
    """Nor does one that is short after the warm-up."""
    assert lag_slope(_sawtooth(12, RATE), 1000.0) is None
    assert lag_slope(_sawtooth(30, RATE), 1020.0) is None
    assert not falls_behind(None, RATE)


def test_a_look_without_an_answer_is_left_out() -> None:
    times = np.arange(0.0, 30.0, 2.0)
    values = np.where(times == 10.0, np.nan, 5.0 * times)
    assert lag_slope(Series(times, values), 0.0) == pytest.approx(5.0)
