"""What the latencies of a load say about the contender under it."""

from __future__ import annotations

import numpy as np
import pytest

from slo.bench.peers.latency import LatencyRun, judged
from slo.check import LoadSummary
from slo.latency.figures import Spread
from slo.recording import Series

RATE = 100.0


def _judged(latency_at_end: float, unseen: int = 0, *, caught_up: bool = True) -> LatencyRun:
    """60 s at 100 events/s, judged from second 20 to 50; latency rises from 0.2 s at second 20, steadily."""
    times = np.arange(0, 60, 1 / RATE)
    values = np.interp(times, [20, 50], [0.2, latency_at_end])
    values[:2_000] = 99.0
    values[5_000 - unseen : 5_000] = np.nan
    load = LoadSummary(None, len(times), len(times), 0, RATE, Spread(0.001, 0.002, 0.003))  # type: ignore[arg-type]
    series = Series(times, values, lowest=values - 0.06)
    return judged("loop", series, (20.0, 50.0), RATE, load, caught_up=caught_up, wrong=None if unseen else 0)


def test_only_what_was_due_within_the_span_is_judged() -> None:
    """3,000 events; the 99 s of the start are nobody's."""
    run = _judged(0.2)
    assert run.event_to_redis.samples == 3_000
    assert run.event_to_redis.max == pytest.approx(0.2)
    assert run.behind == ""


def test_whoever_counts_a_tenth_less_than_comes_falls_behind() -> None:
    """3 s more after 30 s: of 100 events a second 10 are left over."""
    run = _judged(3.2)
    assert run.lag_slope == pytest.approx(10.0)
    assert run.behind == "lag grew by 10 events/s: over 5% of the rate"


def test_a_little_growth_is_noise() -> None:
    """0.3 s in 30 s are 1 %."""
    assert _judged(0.5).behind == ""


def test_events_that_were_never_seen_are_no_silence() -> None:
    """100 of 3,000 are more than one in a hundred, so p99 has no value."""
    run = _judged(0.2, unseen=100)
    assert run.event_to_redis.p50 == pytest.approx(0.2)
    assert run.event_to_redis.p99 is None
    assert run.behind == "100 events were not seen within 30 s"
    assert run.differences is None


def test_whoever_is_still_busy_with_its_own_start_has_not_kept_up() -> None:
    assert _judged(0.2, caught_up=False).behind == "had not caught up with its own start after 60 s"
