"""The live run: generated events now, in open loop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from loadgen.errors import LoadRefused
from loadgen.open_loop import OpenLoop
from loadgen.pacer import SECOND_NS, Pacer
from loadgen.run import LoadPlan, LoadResult, Report
from loadgen.session import Session, header_of
from pipeline.settings import Settings

LEAD_SECONDS = 0.5
"""From the decision to start until the first event: time to prepare the first batches."""


def soon_ns() -> int:
    """When a run that is ready starts, ns since the epoch."""
    return time.time_ns() + int(LEAD_SECONDS * SECOND_NS)


def run_live(
    settings: Settings,
    plan: LoadPlan,
    pacer: Pacer,
    stop: threading.Event,
    report: Report | None = None,
    start: Callable[[], int] = soon_ns,
) -> LoadResult:
    """Sends the pacer's schedule from now on; ``stop`` ends it early, cleanly.

    ``report`` is called every half second. ``start`` is asked when everything is ready, and gives the schedule's start
    in ns since the epoch. Raises LoadRefused, BrokerUnavailable and OSError (the ledger).
    """
    refuse_historic(settings)
    session = Session(settings)
    traffic = session.generated(plan)
    start_ns = start()
    traffic.begin(pacer, start_ns, settings.allowed_lateness_seconds)
    session.open(plan.ledger, header_of(settings, plan, pacer.mean_rate, traffic, start_ns))
    loop = OpenLoop(session, traffic, start_ns, stop, report)
    with session.ending_its_ledger(loop):
        loop.send_all()
        loop.await_answers()
    return session.finish(loop.sent, loop.rate_achieved(), loop.delays.summary(), interrupted=stop.is_set())


def refuse_historic(settings: Settings) -> None:
    """Raises LoadRefused for a stack that takes old records only."""
    if settings.historic:
        raise LoadRefused("this stack was started with --historic: it takes `adctr load historic`, no live load")
