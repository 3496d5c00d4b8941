"""Replays a log against a running stack.

Shifted to now, on a live stack, a row's event time and record time are when it is sent. Otherwise both are the log's:
that takes a historic stack with an empty topic, and ends with a canary on every partition.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from loadgen.closed_loop import ClosedLoop
from loadgen.errors import LoadRefused
from loadgen.historic import (
    closing_time_ms,
    latest_end_ms,
    refuse_full_topic,
    refuse_open_windows,
    send_closing_canaries,
)
from loadgen.ledger import LedgerHeader
from loadgen.live import soon_ns
from loadgen.open_loop import OpenLoop
from loadgen.pacer import SECOND_NS
from loadgen.replay.mapping import RowMapping
from loadgen.replay.rows import Log
from loadgen.replay.schedule import DEFAULT_MAX_GAP_SECONDS, LogSchedule, RecordTimes
from loadgen.replay.traffic import Rejects, ReplayTraffic, Timing
from loadgen.run import LoadResult, Report
from loadgen.session import Session
from pipeline.settings import Settings

PROFILE = "replay"


@dataclass(frozen=True)
class ReplayPlan:
    """What to replay. ``speed`` None: as fast as the broker acknowledges. ``ledger`` doesn't exist yet.

    ``max_gap_seconds``: the longest wait between two rows.
    """

    log: Log
    mapping: RowMapping
    speed: Fraction | None
    shift_to_now: bool
    ledger: Path
    run_id: str
    max_gap_seconds: float = DEFAULT_MAX_GAP_SECONDS


@dataclass(frozen=True)
class ReplayResult:
    """The outcome of a replay. ``gaps_cut`` to the longest wait, by ``cut_seconds`` in all.

    ``never_seen``: the options whose column no row had.
    """

    load: LoadResult
    rejects: Rejects
    gaps_cut: int
    cut_seconds: float
    never_seen: tuple[str, ...]


def replay(settings: Settings, plan: ReplayPlan, stop: threading.Event, report: Report | None = None) -> ReplayResult:
    """Sends the rows of a log; ``stop`` ends it early, cleanly. Raises LoadRefused, BrokerUnavailable and OSError."""
    _refuse_stack(settings, plan)
    session = Session(settings)
    start_ns = soon_ns()
    timing = _timing(settings, plan, start_ns)
    traffic = ReplayTraffic(
        plan.log.rows, plan.mapping, timing, plan.run_id, session.schema_id, session.partition_count
    )
    session.open(plan.ledger, _header(settings, plan, start_ns))
    opened = plan.speed is not None
    loop = OpenLoop(session, traffic, start_ns, stop, report) if opened else ClosedLoop(session, traffic, stop, report)
    with session.ending_its_ledger(loop):
        loop.send_all()
        if timing.record_times is not None and timing.record_times.newest_ms is not None and not stop.is_set():
            send_closing_canaries(session, closing_time_ms(timing.record_times.newest_ms, settings))
        loop.await_answers()
        refuse_open_windows(session)
    delay = loop.delays.summary() if isinstance(loop, OpenLoop) else None
    load = session.finish(loop.sent, loop.rate_achieved(), delay, interrupted=stop.is_set())
    schedule = timing.schedule
    never_seen = () if stop.is_set() else tuple(sorted(plan.log.never_seen))
    return ReplayResult(
        load,
        traffic.rejects,
        gaps_cut=schedule.gaps_cut if schedule else 0,
        cut_seconds=schedule.cut_ns / SECOND_NS if schedule else 0.0,
        never_seen=never_seen,
    )


def _refuse_stack(settings: Settings, plan: ReplayPlan) -> None:
    if plan.shift_to_now and settings.historic:
        raise LoadRefused("this stack was started with --historic: leave out --shift-to-now, or use a live stack")
    if plan.shift_to_now:
        return
    if not settings.historic:
        raise LoadRefused(
            "this stack runs live and refuses the log's old record times: add --shift-to-now, or start a stack for old "
            "records, `adctr --data-dir OTHER up --historic`"
        )
    refuse_full_topic(settings)


def _timing(settings: Settings, plan: ReplayPlan, start_ns: int) -> Timing:
    max_gap_ns = int(plan.max_gap_seconds * SECOND_NS)
    schedule = None if plan.speed is None else LogSchedule(start_ns, plan.speed, max_gap_ns)
    if plan.shift_to_now:
        return Timing(schedule, None)
    latest_ms = latest_end_ms(time.time_ns() // (SECOND_NS // 1000), settings)
    return Timing(schedule, RecordTimes(settings.record_slack_seconds * 1000, latest_ms))


def _header(settings: Settings, plan: ReplayPlan, start_ns: int) -> LedgerHeader:
    return LedgerHeader(
        run_id=plan.run_id,
        seed=0,
        profile=PROFILE,
        rate=0.0,
        start_ns=start_ns,
        topic=settings.events_topic,
        allowed_lateness_seconds=settings.allowed_lateness_seconds,
        campaigns=[],
        campaign_category=[],
        categories=[],
        historic=settings.historic,
    )
