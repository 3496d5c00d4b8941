"""A check of a running stack: what is watched from its first look to a recording that can be judged.

Under a load of its own every event is timed by count matching, and the counts are compared with the ledger. Without one
the stack's canaries are timed, and the counts are compared with the topic alone. The load runs in a process of its own
(whoever calls starts it), so that it does not share the probes' interpreter.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import redis

from loadgen.ledger import Ledger, read_ledger
from pipeline.settings import Settings
from slo.ceilings import read_redis_memory_ceiling_bytes
from slo.latency.event_watch import EventWatch
from slo.latency.figures import Spread
from slo.latency.sample import Cell
from slo.probes.clients import redis_client
from slo.probes.probe import Probe
from slo.probes.recorder import Recorder
from slo.reconciliation.report import Report
from slo.reconciliation.verify import reconcile
from slo.recording import Exactness, Recording
from slo.spec.model import Ceiling, Indicator

VERIFY_TIMEOUT_SECONDS = 180.0
SEND_DELAY_LIMIT_SECONDS = 0.25
LATE_SAMPLES_SECONDS = 6.0
"""After the end of a check without load: as long as a sample that is due by then may take to come."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class LoadSummary:
    """What the generator says about its run. Delays are actual minus intended send time, in seconds."""

    ledger: Path
    sent: int
    acknowledged: int
    failed: int
    rate_achieved: float
    send_delay: Spread


@dataclass(frozen=True)
class Watch:
    """What runs while a check watches: for whoever shows progress, or drills."""

    recorder: Recorder
    events: EventWatch | None = None


@dataclass(frozen=True)
class Checked:
    """A check: what was recorded, and where it comes from. ``load`` is None where there was none of the check's own."""

    recording: Recording
    load: LoadSummary | None
    report: Report | None
    look_intervals: Mapping[Indicator, Spread]


@dataclass(frozen=True)
class Observation:
    """How a load is observed.

    Latencies begin at the intended send time, so a generator that is late itself (p99 send delay above
    ``send_delay_limit`` seconds) is an excuse for a breach; what is met in spite of it is met. Ledgers of ``earlier``
    loads are compared as well. Without ``verify`` no count is compared, and nothing waits for the jobs. With ``cells``
    the events of those alone are timed; every count is compared all the same. ``clock`` gives unix seconds.
    """

    probes: Sequence[Probe] = ()
    send_delay_limit: float = SEND_DELAY_LIMIT_SECONDS
    clock: Callable[[], float] = time.time
    earlier: Sequence[Path] = ()
    verify: bool = True
    cells: Sequence[Cell] | None = None


def check_load(
    settings: Settings, observation: Observation, run_load: Callable[[Watch], LoadSummary], say: Say
) -> Checked:
    """Observes ``run_load``, which returns when its load has ended.

    Raises NotSettled, what the readers raise, and what `slo.reconciliation.verify.reconcile` raises.
    """
    clock = observation.clock
    with EventWatch(settings, observation.cells) as events:
        events.await_settled()
        events.start()
        with Recorder(observation.probes, clock=clock) as recorder:
            load = run_load(Watch(recorder, events))
            ended = clock()
            ledger = read_ledger(load.ledger)
            events.await_visible(ledger)
            recording = recorder.recording(ended)
            void = recorder.clock_stepped() or _void(load)
        events.stop()
        ledgers = [*map(read_ledger, observation.earlier), ledger]
        report = _compared(settings, ledgers, say) if observation.verify else None
    excuse = _lateness(load, observation.send_delay_limit)
    series = {
        each: replace(found, void=found.void or void, excuse=excuse) for each, found in events.series(ledger).items()
    }
    recording = replace(
        recording,
        series={**recording.series, **series},
        ceilings=_ceilings(settings),
        exactness=_exactness(report) if report else None,
        notes={**recording.notes, "probe_cpu_seconds.events": round(events.cpu_seconds, 6), **_notes(load)},
    )
    return Checked(recording, load, report, events.look_intervals())


def check_long_load(
    settings: Settings, probes: Sequence[Probe], run_load: Callable[[Watch], LoadSummary], say: Say
) -> Checked:
    """As `check_load`, but no event is timed: a load of hours has more of them than memory has room for.

    Raises what `slo.reconciliation.verify.reconcile` raises.
    """
    with Recorder(probes) as recorder:
        load = run_load(Watch(recorder))
        recording = recorder.recording()
    report = _compared(settings, [read_ledger(load.ledger)], say)
    notes = {**recording.notes, **_notes(load)}
    return Checked(replace(recording, exactness=_exactness(report), notes=notes), load, report, {})


def check_production(
    settings: Settings, probes: Sequence[Probe], wait: Callable[[Watch], None], verify: bool, say: Say
) -> Checked:
    """Watches until ``wait`` returns, whatever load there is. Raises what `reconcile` raises."""
    with Recorder(probes) as recorder:
        wait(Watch(recorder))
        ended = time.time()
        time.sleep(LATE_SAMPLES_SECONDS)
        recording = recorder.recording(ended)
    report = _compared(settings, [], say) if verify else None
    exactness = _exactness(report) if report else None
    return Checked(replace(recording, ceilings=_ceilings(settings), exactness=exactness), None, report, {})


def _compared(settings: Settings, ledgers: Sequence[Ledger], say: Say) -> Report:
    say("verifying every count")
    return reconcile(settings, ledgers, VERIFY_TIMEOUT_SECONDS, say)


def _exactness(report: Report) -> Exactness:
    nothing = "" if report.anything_verified else "nothing could be verified"
    return Exactness(report.records, report.found.total, nothing)


def _ceilings(settings: Settings) -> dict[Ceiling, float]:
    """None where Redis does not answer: an objective without its ceiling is inconclusive."""
    client = redis_client(settings)
    try:
        return {Ceiling.REDIS_MEMORY: read_redis_memory_ceiling_bytes(client, settings)}
    except redis.RedisError:
        return {}
    finally:
        client.close()


def _void(load: LoadSummary) -> str:
    return f"{load.failed} sends failed, and whether they were counted is not known" if load.failed else ""


def _lateness(load: LoadSummary, send_delay_limit: float) -> str:
    """Says so if the generator missed its own schedule."""
    p99 = load.send_delay.p99
    if p99 is None or p99 <= send_delay_limit:
        return ""
    return f"the generator was late itself (p99 send delay {p99 * 1000:.0f} ms)"


def _notes(load: LoadSummary) -> dict[str, float | int]:
    return {"sent": load.sent, "acknowledged": load.acknowledged, "events_per_second": round(load.rate_achieved, 1)}
