"""Count matching, told with a handful of events."""

from __future__ import annotations

import numpy as np
import pytest

from slo.latency.figures import figures, spread
from slo.latency.matching import Expected, Latencies, Sightings, match


def expected(*events: tuple[int, float]) -> Expected:
    """Events as (cell, intended send time)."""
    return Expected(
        np.array([cell for cell, _ in events], dtype=np.int64), np.array([at for _, at in events], dtype=float)
    )


def sightings(*seen: tuple[float, int, int]) -> Sightings:
    """Sightings as (time, cell, count)."""
    return Sightings(
        cell=np.array([cell for _, cell, _ in seen], dtype=np.int64),
        count=np.array([count for _, _, count in seen], dtype=np.int64),
        seen_at=np.array([at for at, _, _ in seen], dtype=float),
    )


def latencies(*values: float) -> Latencies:
    return Latencies(np.zeros(len(values)), np.array(values), 0)


def test_a_count_that_rises_by_two_shows_two_events_at_once() -> None:
    """The count goes from 1 to 3 at second 20: events 2 and 3 became visible then."""
    found = match(expected((0, 10.0), (0, 11.0), (0, 12.0)), sightings((10.5, 0, 1), (20.0, 0, 3)), {})

    assert found.latency.tolist() == [0.5, 9.0, 8.0]


def test_interleaved_cells_do_not_mix() -> None:
    """Two campaigns take turns; each is matched by its own counts."""
    run = expected((7, 1.0), (3, 1.1), (7, 1.2), (3, 1.3))

    found = match(run, sightings((2.0, 3, 1), (3.0, 7, 2), (4.0, 3, 2)), {})

    assert found.latency.tolist() == pytest.approx([2.0, 0.9, 1.8, 2.7])


def test_what_stood_in_a_cell_before_the_run_is_not_the_runs() -> None:
    """Five events of an earlier run: this run's first event is the sixth."""
    found = match(expected((0, 10.0), (0, 11.0)), sightings((10.3, 0, 6), (11.4, 0, 7)), {0: 5})

    assert found.latency.tolist() == pytest.approx([0.3, 0.4])


def test_a_lost_event_never_becomes_visible_and_is_a_breach() -> None:
    """Three sent, two counted: matching blames the last one."""
    found = match(expected((0, 10.0), (0, 11.0), (0, 12.0)), sightings((10.2, 0, 1), (11.2, 0, 2)), {})

    result = figures(found.latency)
    assert found.unseen == 1
    assert (result.samples, result.unseen) == (3, 1)
    assert result.p50 == pytest.approx(0.2, rel=1e-3)
    assert result.p99 is None
    assert result.max is None


def test_a_cell_that_nobody_saw() -> None:
    """Not a single sighting of the cell: every event of it is unseen."""
    found = match(expected((0, 10.0), (1, 10.0)), sightings((10.5, 0, 1)), {})

    assert found.latency[0] == 0.5
    assert np.isnan(found.latency[1])


def test_events_counted_twice_are_surplus() -> None:
    """Two sent, three counted."""
    assert match(expected((0, 1.0), (0, 2.0)), sightings((1.5, 0, 1), (2.5, 0, 3)), {}).surplus == 1


def test_surplus_does_not_count_the_baseline_or_other_cells() -> None:
    """Ten stood there before, and cell 9 belongs to nobody of this run."""
    assert match(expected((0, 1.0)), sightings((1.5, 0, 11), (1.5, 9, 4)), {0: 10}).surplus == 0


def test_an_event_seen_before_its_time_is_kept() -> None:
    """The clock stepped back: the latency is negative, and counted."""
    result = figures(match(expected((0, 10.0)), sightings((9.9, 0, 1)), {}).latency)

    assert (result.samples, result.negative) == (1, 1)


def test_nothing_expected_has_no_figures() -> None:
    """No events is no data, not a success."""
    result = figures(match(expected(), sightings(), {}).latency)

    assert (result.samples, result.p50, result.max) == (0, None, None)


def test_counts_that_fall_are_refused() -> None:
    """The recorder only keeps rises; anything else is a mistake of the caller."""
    with pytest.raises(ValueError, match="must rise"):
        match(expected((0, 1.0)), sightings((1.0, 0, 2), (2.0, 0, 1)), {})


def test_an_injected_latency_comes_back() -> None:
    """100,000 events in 50 cells, each visible after an exponential latency and seen by a poll every 50 ms.

    Within a cell an event is visible when all before it are; the true figures are taken from the same definition.
    """
    random = np.random.default_rng(7)
    intended = np.arange(100_000) / 5_000.0
    cell = random.integers(0, 50, len(intended))
    visible = intended + 0.15 + random.exponential(0.05, len(intended))
    for number in range(50):
        mine = cell == number
        visible[mine] = np.maximum.accumulate(visible[mine])
    seen: list[tuple[float, int, int]] = []
    for number in range(50):
        times = visible[cell == number]
        polls = np.ceil(times / 0.05) * 0.05
        at, last = np.unique(polls, return_index=True)
        counts = np.append(last[1:], len(times))
        seen += [(float(t), number, int(n)) for t, n in zip(at, counts, strict=True)]

    found = match(expected(*zip(cell.tolist(), intended.tolist(), strict=True)), sightings(*sorted(seen)), {})

    true = visible - intended
    assert found.unseen == 0
    assert np.all(found.latency >= true - 1e-9)
    assert np.all(found.latency < true + 0.05 + 1e-9)
    result = figures(found.latency)
    for got, share in ((result.p50, 50), (result.p99, 99), (result.p999, 99.9)):
        assert got == pytest.approx(float(np.percentile(found.latency, share)), rel=0.01)


def test_a_percentile_is_the_event_of_that_rank() -> None:
    """Of 100 latencies of 1 to 100 ms, p50 is the 50th and p99 the 99th."""
    result = figures(np.arange(1, 101) / 1000)

    assert (result.p50, result.p99, result.max) == (0.05, 0.099, 0.1)


def test_the_spread_of_poll_intervals() -> None:
    """Exact order statistics."""
    result = spread(np.array([0.05] * 99 + [0.4]))

    assert (result.p50, result.p99, result.max) == (0.05, 0.05, 0.4)


def test_a_latency_is_an_interval_from_the_actual_send_to_the_poll_before() -> None:
    """Due at 0, sent at 0.4, seen by the poll at 1.0, and not by the one at 0.7; never seen has no lower end either."""
    expected = Expected(np.array([0, 0]), np.array([0.0, 0.5]), np.array([0.4, 0.5]))
    seen = Sightings(np.array([0]), np.array([1]), np.array([1.0]))
    found = match(expected, seen, {}, np.array([0.3, 0.7, 1.0, 1.3]))
    assert found.latency[0] == 1.0
    assert found.lowest[0] == pytest.approx(0.3)
    assert np.isnan(found.lowest[1])
