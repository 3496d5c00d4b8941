"""Generated events in closed loop: how many a generator process can send at all. No latency can be told from it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from loadgen.closed_loop import ClosedLoop
from loadgen.live import refuse_historic, soon_ns
from loadgen.pacer import SECOND_NS
from loadgen.run import LoadPlan, LoadResult, Report
from loadgen.session import Session, header_of
from loadgen.traffic import Prepared, Traffic
from pipeline.settings import Settings


@dataclass(frozen=True)
class _Now:
    """In place of a schedule: every event is due when it is asked for. So it is no function of its index."""

    start_ns: int
    total: int | None = None
    mean_rate: float = field(default=0.0)

    def offsets_ns(self, _first: int, count: int) -> npt.NDArray[np.int64]:
        return np.full(count, time.time_ns() - self.start_ns, np.int64)

    def due(self, _offset_ns: int) -> int:
        return 2**62


class _Until:
    """Traffic that ends at a moment of the monotonic clock."""

    def __init__(self, traffic: Traffic, deadline: float) -> None:
        self._traffic = traffic
        self._deadline = deadline

    def next(self) -> Prepared | None:
        return None if time.monotonic() >= self._deadline else self._traffic.next()


def run_full_speed(
    settings: Settings,
    plan: LoadPlan,
    seconds: float,
    stop: threading.Event,
    report: Report | None = None,
    start: Callable[[], int] = soon_ns,
) -> LoadResult:
    """Sends for so long. Event times are when each batch was made. Raises as `run_live`."""
    refuse_historic(settings)
    session = Session(settings)
    traffic = session.generated(plan)
    start_ns = start()
    traffic.begin(_Now(start_ns), start_ns, settings.allowed_lateness_seconds)
    session.open(plan.ledger, header_of(settings, plan, 0.0, traffic, start_ns))
    time.sleep(max(0.0, (start_ns - time.time_ns()) / SECOND_NS))
    loop = ClosedLoop(session, _Until(traffic, time.monotonic() + seconds), stop, report)
    with session.ending_its_ledger(loop):
        loop.send_all()
        loop.await_answers()
    return session.finish(loop.sent, loop.rate_achieved(), None, interrupted=stop.is_set())
