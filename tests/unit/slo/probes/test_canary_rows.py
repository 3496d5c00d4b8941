"""Latencies of canaries from nothing but their counts, told with a simulated clock."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from hypothesis import given
from hypothesis import strategies as st

from slo.probes.canary_rows import CanaryRows, Sighting

MINUTE = 1_200_000_000
"""Start of a window."""


class World:
    """Canaries of one partition: which seconds were sent, and when each became visible."""

    def __init__(self, began: float, visible_at: Callable[[int], float], never_sent: Iterable[int] = ()) -> None:
        self.rows = CanaryRows(1, began)
        self.now = began
        self._visible_at, self._never_sent = visible_at, set(never_sent)
        self.seen: list[Sighting] = []

    def count(self, window: int) -> int:
        seconds = (second for second in range(window, window + 60) if second not in self._never_sent)
        return sum(self._visible_at(second) <= self.now for second in seconds)

    def run(self, until: float) -> None:
        while self.now < until:
            windows = self.rows.windows(self.now)
            counts = {(window, 0): self.count(window) for window in windows}
            self.seen += self.rows.look(self.now, counts)
            self.now = round(self.now + 0.05, 6)

    def slow(self) -> list[tuple[int, float]]:
        """(second of the window, latency) of canaries that took longer than 0.5 s."""
        return [(each.due - MINUTE, round(each.latency, 2)) for each in self.seen if not each.latency < 0.5]


def test_each_canary_of_two_minutes_is_seen_once() -> None:
    """Each takes 0.25 s; polled every 0.05 s."""
    world = World(MINUTE, lambda second: second + 0.25)
    world.run(MINUTE + 121)
    assert [each.due for each in world.seen] == list(range(MINUTE, MINUTE + 121))
    assert round(world.rows.idle_seconds(MINUTE + 120.5), 2) == 0.5
    assert world.rows.idle_seconds(MINUTE + 121.1) == 0.0
    assert all(0.25 <= each.latency <= 0.3 + 1e-6 for each in world.seen)
    assert (world.rows.holes, world.rows.early, world.rows.skipped) == (0, 0, 0)


def test_a_freeze_of_five_seconds_reads_as_five_seconds() -> None:
    """Nothing becomes visible between second 10.2 and 15.2; whatever was due in between waited for the end of it."""
    world = World(MINUTE, lambda second: max(second + 0.25, MINUTE + 15.2) if second >= MINUTE + 10 else second + 0.25)
    world.run(MINUTE + 60)
    assert world.slow() == [(10, 5.2), (11, 4.2), (12, 3.2), (13, 2.2), (14, 1.2)]


def test_a_start_in_mid_minute_goes_on_from_the_count_it_finds() -> None:
    world = World(MINUTE + 30.1, lambda second: second + 0.25)
    world.run(MINUTE + 33)
    assert [(each.due - MINUTE, round(each.latency, 2)) for each in world.seen] == [(31, 0.25), (32, 0.25)]
    assert world.rows.skipped == 0


def test_nothing_from_before_the_start_is_missing() -> None:
    """Redis has been down since the start, at second 30.1."""
    assert CanaryRows(1, MINUTE + 30.1).due(MINUTE + 32.5) == {(MINUTE, 0): range(MINUTE + 31, MINUTE + 33)}


def test_a_minute_that_has_a_hole_at_the_start_is_skipped() -> None:
    """The canary itself began only at second 20, so the rank of a canary says nothing before the next minute."""
    world = World(MINUTE + 30.1, lambda second: second + 0.25, never_sent=range(MINUTE, MINUTE + 20))
    world.run(MINUTE + 63)
    assert [each.due - MINUTE for each in world.seen] == [60, 61, 62]
    assert world.rows.skipped == 1


def test_a_canary_that_was_never_sent_makes_its_minute_look_worse_and_is_found_out() -> None:
    """The canary process was down at second 70 and 71: later ones look late, the last two never seem to come."""
    world = World(MINUTE, lambda second: second + 0.25, never_sent=[MINUTE + 70, MINUTE + 71])
    world.run(MINUTE + 160)
    slow = world.slow()
    assert slow[0] == (70, 2.25)
    assert [second for second, latency in slow if math.isnan(latency)] == [118, 119]
    assert [second for second, _ in slow] == list(range(70, 120)), "the next minute is as it was"
    assert world.rows.unsettled() == [MINUTE, MINUTE + 60, MINUTE + 120]
    world.rows.settle(MINUTE + 60, {0: 58})
    assert (world.rows.holes, world.rows.early, world.rows.unsettled()) == (2, 0, [MINUTE, MINUTE + 120])


def test_canaries_that_come_after_they_were_given_up_are_no_hole() -> None:
    """Frozen for 40 s: the first ten are given up after 30 s, and the minute is complete in the end."""
    world = World(MINUTE, lambda second: max(second, MINUTE + 100) + 0.25 if second >= MINUTE + 60 else second + 0.25)
    world.run(MINUTE + 160)
    never = [second for second, latency in world.slow() if math.isnan(latency)]
    assert never == list(range(60, 71))
    assert (71, 29.25) in world.slow()
    world.rows.settle(MINUTE + 60, {0: 60})
    assert world.rows.holes == 0


def test_what_is_due_and_not_visible_is_told_at_once() -> None:
    """A pipeline that is frozen at the end of a check must not look healthy for lack of samples."""
    world = World(MINUTE, lambda second: second + 0.25 if second < MINUTE + 5 else math.inf)
    world.run(MINUTE + 8.5)
    assert world.rows.due(world.now) == {(MINUTE, 0): range(MINUTE + 5, MINUTE + 9)}


def test_a_clock_that_steps_back_is_told() -> None:
    """By 3 s: latencies below 0 are kept, and counted."""
    world = World(MINUTE, lambda second: second + 0.25)
    world.run(MINUTE + 29.9)
    assert world.rows.early == 0
    world.now = MINUTE + 27.0
    world.seen += world.rows.look(world.now, {(MINUTE, 0): 31})
    assert (world.rows.early, world.seen[-1]) == (1, Sighting(MINUTE + 30, -3.0, 0, MINUTE + 27.0))


def test_a_canary_counted_twice_is_told_when_its_minute_is_complete() -> None:
    rows = CanaryRows(2, MINUTE)
    rows.windows(MINUTE + 1)
    rows.settle(MINUTE, {0: 60, 1: 61})
    assert rows.early == 1


def test_a_row_that_counts_two_for_each_canary_is_left_alone_until_the_next_minute() -> None:
    """By two canary processes. The rank of a count says nothing then: a freeze would go unseen behind the surplus."""
    rows, seen = CanaryRows(1, MINUTE - 0.5), []
    for second in range(59):
        now = MINUTE + second + 0.25
        rows.windows(now)
        seen += rows.look(now, {(MINUTE, 0): 2 * (second + 1)})
    assert [(each.due - MINUTE, each.latency) for each in seen] == [(0, 0.25), (1, -0.75)]
    assert rows.early == 1
    rows.windows(MINUTE + 60.25)
    assert [each.due - MINUTE for each in rows.look(MINUTE + 60.25, {(MINUTE + 60, 0): 1})] == [60]


MOMENTS = st.lists(st.tuples(st.floats(-5.0, 20.0), st.integers(-3, 12)), max_size=60)


@given(MOMENTS)
def test_no_canary_gives_two_samples(moments: list[tuple[float, int]]) -> None:
    """Whatever the clock does, and whatever the store counts: lost, restored, late, or more than were sent."""
    rows, now, count, seen = CanaryRows(1, MINUTE + 30.1), MINUTE + 30.1, 30, []
    for later, more in moments:
        now, count = now + later, max(0, count + more)
        seen += [each.due for each in rows.look(now, dict.fromkeys([(w, 0) for w in rows.windows(now)], count))]
    assert len(seen) == len(set(seen))
