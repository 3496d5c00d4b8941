"""Event → Redis under a rate that every contender gets, measured from the outside and in the same way for each.

The contender starts on an empty topic, and with it an open-loop load that goes on to the end: while it catches up with
what was sent during its own start, and for as long as it is to warm up, nobody judges it. Then comes the span whose
events are timed, each from its intended send time until its cell's count is seen in Redis (`slo.latency`). Cells of the
1-minute windows alone are looked at, as some contenders write no sums.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
import psutil

from loadgen.ledger import Ledger, read_ledger
from loadgen.truth import expected_counts
from pipeline.settings import WINDOW_SIZES_SECONDS, Settings
from pipeline.topic_reader import TopicReader
from slo.bench.drain_run import DrainFailed, all_ended
from slo.bench.expected_counts import ExpectedCounts, differences, empty_cache
from slo.bench.lag_trend import LEAST_SHARE_OF_RATE, falls_behind, lag_slope
from slo.bench.peers.contender import Contender
from slo.check import LoadSummary
from slo.latency.cache_reader import CellReader
from slo.latency.event_watch import REDIS_PERIOD_SECONDS, VISIBLE_TIMEOUT_SECONDS, series_of
from slo.latency.figures import LatencyFigures, figures, median_of, spread
from slo.latency.poller import WINDOW_SECONDS, Poller
from slo.recording import Series

CAUGHT_UP_SECONDS = 2.0
"""So far behind the schedule a contender may be and still have caught up with the load."""
CATCH_UP_TIMEOUT_SECONDS = 60.0
FIGURES = ("p50", "p99", "max")
_LOOK_SECONDS = 0.1


class RunningLoad(Protocol):
    """An open-loop load in a process of its own."""

    def end_early(self) -> None:
        """Asks it to stop sending."""

    def summary(self) -> LoadSummary:
        """Waits for its end."""


@dataclass(frozen=True)
class LoadShape:
    """Events per second, and for how long: first not judged, then judged."""

    rate: float
    warm_up_seconds: float
    seconds: float


@dataclass(frozen=True)
class LatencyTurn:
    """A contender that counts a topic of its own, and the load on that topic, which runs until it is ended."""

    settings: Settings
    contender: Contender
    load: Callable[[], AbstractContextManager[RunningLoad]]


@dataclass(frozen=True)
class LatencyRun:
    """One load on one contender. Latencies are in seconds, of the judged span alone.

    ``behind`` says why it did not keep up, or is empty. ``differences`` are cells in Redis that are not as they must
    be, of all that was sent; None where not everything became visible. ``lag_slope`` is in events per second.
    """

    contender: str
    event_to_redis: LatencyFigures
    behind: str
    lag_slope: float | None
    rate_achieved: float
    send_delay_p99_seconds: float | None
    look_interval_p99_seconds: float | None
    differences: int | None

    def as_json(self) -> dict[str, Any]:
        """All figures of the run; those of the latency beside the others."""
        rest = asdict(self)
        return {"contender": rest.pop("contender"), "kept_up": not self.behind, **rest.pop("event_to_redis"), **rest}


def measure(turn: LatencyTurn, shape: LoadShape) -> LatencyRun:
    """One load on one contender. Raises DrainFailed if the contender ends or the measurement means nothing."""
    settings, name = turn.settings, turn.contender.name
    empty_cache(settings)
    poller = Poller(CellReader(settings, WINDOW_SECONDS, cells_alone=True), REDIS_PERIOD_SECONDS)
    try:
        with turn.contender.running() as roots, turn.load() as load:
            poller.start()
            caught_up = _catches_up(turn, poller, shape.rate, roots.values())
            time.sleep(shape.warm_up_seconds)
            began = time.time()
            time.sleep(shape.seconds)
            span = (began, time.time())
            load.end_early()
            summary = load.summary()
            expected = _expected(read_ledger(summary.ledger))
            _await_visible(poller, expected.events)
            stopped = time.time()
            _require_running(name, roots.values())
    finally:
        poller.stop()
    if summary.failed:
        raise DrainFailed(f"void: {summary.failed:,} events for {name} were not acknowledged")
    if why := poller.void(stopped):
        raise DrainFailed(f"void: {name}: {why}")
    # A contender that counts too much is wrong, not void: the cells are compared.
    series = series_of(poller, read_ledger(summary.ledger), stopped)
    wrong = None if np.isnan(series.values).any() else differences(settings, expected)
    return judged(name, series, span, shape.rate, summary, caught_up=caught_up, wrong=wrong)


def _require_running(name: str, processes: Iterable[psutil.Process]) -> None:
    if all_ended(processes):
        raise DrainFailed(f"{name} ended under the load; its message is above")


def _catches_up(turn: LatencyTurn, poller: Poller, rate: float, processes: Collection[psutil.Process]) -> bool:
    """Waits until nearly all that is on the topic was seen; whether that came to pass."""
    deadline = time.monotonic() + CATCH_UP_TIMEOUT_SECONDS
    with TopicReader(turn.settings, "adctr-bench") as topic:
        while time.monotonic() < deadline:
            sent = sum(map(len, topic.ranges(turn.settings.events_topic).values()))
            if 0 < sent <= poller.recorder.counted + rate * CAUGHT_UP_SECONDS and poller.recorder.counted:
                return True
            _require_running(turn.contender.name, processes)
            time.sleep(_LOOK_SECONDS)
    return False


def _await_visible(poller: Poller, events: int) -> None:
    deadline = time.monotonic() + VISIBLE_TIMEOUT_SECONDS
    while poller.recorder.counted < events and time.monotonic() < deadline:
        time.sleep(_LOOK_SECONDS)


def _expected(ledger: Ledger) -> ExpectedCounts:
    events = int((ledger.acked & ledger.countable).sum())
    return ExpectedCounts(events, {size: expected_counts(ledger, size) for size in WINDOW_SIZES_SECONDS})


def judged(
    contender: str,
    series: Series,
    span: tuple[float, float],
    rate: float,
    load: LoadSummary,
    *,
    caught_up: bool,
    wrong: int | None,
) -> LatencyRun:
    """What the latencies of all events say about those that were due within the ``span`` (unix seconds)."""
    chosen = (series.times >= span[0]) & (series.times < span[1])
    times, values = series.times[chosen], series.values[chosen]
    found = figures(values)
    # An event that waits for w seconds has w seconds of the load before it.
    slope = lag_slope(Series(times, values * rate), span[0])
    return LatencyRun(
        contender=contender,
        event_to_redis=found,
        behind="; ".join(_behind(found.unseen, slope, rate, caught_up=caught_up)),
        lag_slope=slope,
        rate_achieved=load.rate_achieved,
        send_delay_p99_seconds=load.send_delay.p99,
        look_interval_p99_seconds=spread(series.values - series.lower).p99,
        differences=wrong,
    )


def _behind(unseen: int, slope: float | None, rate: float, *, caught_up: bool) -> Iterator[str]:
    if not caught_up:
        yield f"had not caught up with its own start after {CATCH_UP_TIMEOUT_SECONDS:.0f} s"
    if unseen:
        yield f"{unseen:,} events were not seen within {VISIBLE_TIMEOUT_SECONDS:.0f} s"
    if slope is not None and falls_behind(slope, rate):
        yield f"lag grew by {slope:,.0f} events/s: over {LEAST_SHARE_OF_RATE:.0%} of the rate"


@dataclass(frozen=True)
class LatencyResult:
    """Every load, in the order in which they ran."""

    shape: LoadShape
    runs: Sequence[LatencyRun]

    def medians(self) -> dict[str, dict[str, float | None]]:
        """By contender and percentile: medians over the runs. None where a run has none."""
        names = dict.fromkeys(run.contender for run in self.runs)
        of = {name: [run.event_to_redis for run in self.runs if run.contender == name] for name in names}
        return {name: {figure: median_of(runs, figure) for figure in FIGURES} for name, runs in of.items()}

    @property
    def differences(self) -> int:
        """Wrong cells over all runs in which everything became visible."""
        return sum(run.differences or 0 for run in self.runs)

    def lost(self, contender: str) -> int:
        """Events of one contender that were never seen, over all its runs."""
        return sum(run.event_to_redis.unseen for run in self.runs if run.contender == contender)

    def as_json(self) -> dict[str, Any]:
        """Shape, medians and every run."""
        return {**asdict(self.shape), "medians": self.medians(), "runs": [run.as_json() for run in self.runs]}


def describe(run: LatencyRun) -> str:
    """A run in one line."""
    latencies = ", ".join(
        f"{name} –" if value is None else f"{name} {value * 1000:,.0f} ms"
        for name, value in ((name, getattr(run.event_to_redis, name)) for name in FIGURES)
    )
    return f"{run.contender}: {latencies}" + (f"; fell behind: {run.behind}" if run.behind else "")
