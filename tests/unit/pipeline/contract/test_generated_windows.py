"""Window arithmetic against a model that counts windows one by one."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.contract.cache_schema import Retention
from pipeline.contract.rules import EARLIEST_EVENT_TIME_MS, LATEST_EVENT_TIME_MS
from pipeline.contract.windows import WindowState, window_start_seconds, window_state
from pipeline.settings import WINDOW_SIZES_SECONDS
from pipeline.store.metrics_queries import windows_of
from tests.generated import BUDGETS

SIZES = st.sampled_from(WINDOW_SIZES_SECONDS)
TIMES_MS = st.integers(EARLIEST_EVENT_TIME_MS, LATEST_EVENT_TIME_MS) | st.integers(-(10**12), 10**12)
NEAR_A_BOUND = st.integers(-2, 2)


@BUDGETS
@given(size=SIZES, time_ms=TIMES_MS)
def test_every_time_is_in_exactly_one_window(budget: str, size: int, time_ms: int) -> None:
    start = window_start_seconds(time_ms, size)
    assert start % size == 0
    assert start <= Fraction(time_ms, 1000) < start + size


@BUDGETS
@given(size=SIZES, number=st.integers(-(10**6), 10**7), near=NEAR_A_BOUND)
def test_a_window_begins_at_its_first_millisecond(budget: str, size: int, number: int, near: int) -> None:
    start = number * size
    assert window_start_seconds(start * 1000 + near, size) == (start if near >= 0 else start - size)


def state_by_the_words(start: int, size: int, watermark_ms: int | None, final_after: int) -> WindowState:
    """As the page on windows says it, in seconds."""
    if watermark_ms is None:
        return WindowState.LIVE
    watermark = Fraction(watermark_ms, 1000)
    states = [WindowState.LIVE]
    states += [WindowState.CLOSED] if watermark >= start + size else []
    states += [WindowState.FINAL] if watermark >= start + size + final_after else []
    return states[-1]


@BUDGETS
@given(
    size=SIZES,
    number=st.integers(0, 10**7),
    final_after=st.integers(1, 86_400),
    near=NEAR_A_BOUND,
    bound=st.sampled_from(("end", "final", "far", "none")),
    far=st.integers(-(2**62), 2**62),
)
def test_a_window_is_live_closed_and_final_in_this_order(
    budget: str, size: int, number: int, final_after: int, near: int, bound: str, far: int
) -> None:
    start = number * size
    end_ms = (start + size) * 1000
    watermark = {"end": end_ms + near, "final": end_ms + final_after * 1000 + near, "far": far, "none": None}[bound]
    assert window_state(start, size, watermark, final_after) is state_by_the_words(start, size, watermark, final_after)


@BUDGETS
@given(first=st.integers(0, 4_000), length=st.integers(-10, 4_000), size=SIZES | st.none())
def test_a_range_is_of_the_windows_that_overlap_it(budget: str, first: int, length: int, size: int | None) -> None:
    end = first + length
    if length <= 0:
        with pytest.raises(ValueError, match="must be greater than from_seconds"):
            windows_of(first, end, size)
        return
    found = windows_of(first, end, size)
    if size is None:
        covers = [each for each in WINDOW_SIZES_SECONDS if first % each == 0 and end % each == 0]
        assert found.size_seconds == max([*covers, min(WINDOW_SIZES_SECONDS)])
    every = range(0, 10_000, found.size_seconds)
    assert list(found.starts) == [start for start in every if start < end and start + found.size_seconds > first]


@BUDGETS
@given(
    size=SIZES,
    start=st.integers(0, 4_000),
    seconds=st.integers(0, 4_000),
    kept_from=st.integers(0, 4_000),
    now=TIMES_MS,
)
def test_a_window_that_was_let_go_is_never_held_again(
    budget: str, size: int, start: int, seconds: int, kept_from: int, now: int
) -> None:
    held = Retention(seconds, kept_from).holds(size, start, now / 1000)
    assert held == (start + size > kept_from and now / 1000 < start + size + seconds)
    assert not (held and not Retention(seconds + 1, kept_from).holds(size, start, now / 1000))
    assert not (held and not Retention(seconds, 0).holds(size, start, now / 1000))
