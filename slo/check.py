"""A check of a running stack: what is watched from its first poll to a recording that can be judged.

Under a load of its own every event is timed by count matching, and the counts are compared with the ledger. Without one
the stack's canaries are timed, and the counts are compared with the topic alone. The load runs in a process of its own
(the caller starts it), so that it does not share the probes' interpreter.
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
from slo.reconciliation.wait_drained import NotDrained
from slo.recording import Exactness, Recording
from slo.spec.model import Ceiling, Indicator

VERIFY_TIMEOUT_SECONDS = 180.0
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
    """What runs while a check watches: for progress displays and drills."""

    recorder: Recorder
    events: EventWatch | None = None


@dataclass(frozen=True)
class Checked:
    """A check: what was recorded, and where it comes from. ``load`` is None where there was none of the check's own.

    ``undrained`` says that the jobs did not get through in time, so that no count could be compared.
    """

    recording: Recording
    load: LoadSummary | None
    report: Report | None
    look_intervals: Mapping[Indicator, Spread]
    undrained: NotDrained | None = None


@dataclass(frozen=True)
class Observation:
    """How a load is observed.

    Each latency is an interval: from the intended send time at most, from the actual one at least. So a generator that
    was late itself leaves open what it alone may have caused, and nothing else. Ledgers of ``earlier`` loads are
    compared as well. Without ``verify`` no count is compared, and nothing waits for the jobs. With ``cells`` the events
    of those alone are timed; every count is still compared. ``clock`` gives unix seconds.
    """

    probes: Sequence[Probe] = ()
    clock: Callable[[], float] = time.time
    earlier: Sequence[Path] = ()
    verify: bool = True
    cells: Sequence[Cell] | None = None


def check_load(
    settings: Settings, observation: Observation, run_load: Callable[[Watch], LoadSummary], say: Say
) -> Checked:
    """Observes ``run_load``, which returns when its load has ended.

    Counts that could not be compared in time are said to be unverifiable; what was measured until then stays. Raises
    NotSettled, what the readers raise, and what else `slo.reconciliation.verify.reconcile` raises.
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
        report, undrained = None, None
        try:
            ledgers = [*map(read_ledger, observation.earlier), ledger]
            report = _compared(settings, ledgers, say) if observation.verify else None
        except NotDrained as error:  # what was measured until now stays
            undrained = error
    series = {each: replace(found, void=found.void or void) for each, found in events.series(ledger).items()}
    exactness = Exactness(0, 0, str(undrained)) if undrained else None
    if report is not None:
        # What was shown and then taken back was wrong while it stood there, however right the end is.
        exactness = replace(_exactness(report), taken_back=events.taken_back)
    recording = replace(
        recording,
        series={**recording.series, **series},
        ceilings=_ceilings(settings),
        exactness=exactness,
        notes={**recording.notes, "probe_cpu_seconds.events": round(events.cpu_seconds, 6), **_notes(load)},
    )
    return Checked(recording, load, report, events.look_intervals(), undrained)


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


def _notes(load: LoadSummary) -> dict[str, float | int]:
    return {"sent": load.sent, "acknowledged": load.acknowledged, "events_per_second": round(load.rate_achieved, 1)}
