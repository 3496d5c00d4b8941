"""One schedule of actions on a stack of its own: load, strikes, heal, verification; and what it comes to."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from compose.experiment.disturbed_stack import Disturbance, StackBench, own_stack
from compose.experiment.fault_run import LOAD_OPTIONS, NEVER_BACK, UNCOUNTED
from compose.experiment.load_check import GeneratedLoad, run_load_check, warm_up
from compose.experiment.load_process import LoadProcess
from compose.process.errors import EnvironmentFailed, Inconclusive
from compose.stack.layout import Layout
from compose.stack.processes import orphans
from compose.terminal.progress import say
from slo.annotations import FAULT, noted
from slo.check import Checked, Observation, Watch
from slo.disturbances.bench import CommandFailed, NotStruck
from slo.faults.recovery import ONSET_SECONDS, recovery
from slo.faults.steady import WATCHED_SECONDS, Steady
from slo.latency.event_watch import OF_OTHERS
from slo.latency.poller import NO_ANSWER
from slo.schedules.reader import RecordingReader
from slo.schedules.result import ScheduleRun, StrikeOutcome
from slo.schedules.schedule import Schedule, Strike
from slo.schedules.told import wrong_reads
from slo.spec.model import Indicator, Specification

WARM_UP_SECONDS = 30.0
SPARE_SECONDS = 120.0
"""The load goes on for so long beyond the schedule and the limit, if it must: strikes may take longer than planned."""
SETTINGS = {
    # Minutes instead of twenty: within a run some windows are final, and `recount` has some to count again.
    "ADCTR_ALLOWED_LATENESS_SECONDS": "30",
    # The producer tries for half of it: longer than a whole stack takes to start again.
    "ADCTR_RECORD_SLACK_SECONDS": "180",
}


@dataclass(frozen=True)
class Judging:
    """What a run is held against, and where its strikes are noted."""

    objectives: Specification
    limit_seconds: float
    slowness: float
    """How much slower the machine is than that of docs/faults.md; 1 or more."""
    notes: Path


def run_on_own_stack(schedule: Schedule, directory: Path, judging: Judging) -> ScheduleRun:
    """Starts a stack in the directory and ends it; nothing of it may run afterwards. Raises EnvironmentFailed."""
    with own_stack(directory, sorted(schedule.links), dashboard=False, settings=SETTINGS) as bench:
        layout = bench.layout
        say("warming up")
        warm_up(layout.root, schedule.rate, WARM_UP_SECONDS)
        found = run_on(schedule, bench, judging)
    return replace(found, left_running=still_running(layout))


def run_on(schedule: Schedule, bench: StackBench, judging: Judging) -> ScheduleRun:
    """On a stack that runs. Raises EnvironmentFailed, and Inconclusive, where nothing was struck."""
    return _Run(schedule, bench, judging).run()


def still_running(layout: Layout) -> list[str]:
    """Processes of a stack, and commands of ours on its directory; this one and those that started it left out."""
    found = {process.pid: process for process in orphans.find(layout)}
    ours = {os.getpid(), *(process.pid for process in psutil.Process().parents())}
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            words = process.cmdline()
            if process.pid not in ours and str(layout.root) in words and any("compose." in word for word in words):
                found[process.pid] = process
    said = (orphans.describe([process]) for process in found.values())
    return [each for each in said if each]


class _Run:
    """The strikes of one schedule, each a disturbance with its own thread and time."""

    def __init__(self, schedule: Schedule, bench: StackBench, judging: Judging) -> None:
        self._schedule, self._bench, self._judging = schedule, bench, judging
        self._strikes = [(strike, self._disturbance(strike)) for strike in schedule.strikes]
        self._steady = Steady(schedule.rate * (1 - sum(UNCOUNTED.values())))
        self._healed_at: float | None = None
        self._healed: list[str] = []

    def run(self) -> ScheduleRun:
        """Load, strikes, heal, verification."""
        schedule, bench, judging = self._schedule, self._bench, self._judging
        seconds = schedule.seconds + judging.limit_seconds + SPARE_SECONDS
        options = (*LOAD_OPTIONS, "--seed", str(schedule.seed))
        load = GeneratedLoad(
            bench.layout.root, bench.settings, schedule.rate, seconds, options, True, self._begin, self._may_end
        )
        checked: Checked | None = None
        error: Exception | None = None
        with RecordingReader(bench.settings) as reader:
            try:
                checked = run_load_check(load, Observation())
            except (EnvironmentFailed, Inconclusive) as raised:
                error = raised
            finally:
                self._end_strikes()
        outcomes = [strike_outcome(strike, disturbance) for strike, disturbance in self._strikes]
        told = ScheduleRun(schedule, judging.limit_seconds, outcomes, healed=self._healed, reads=reader.answers())
        told = replace(told, wrong_reads=wrong_reads(reader.told(), self._revisions()))
        return self._judged(told, checked, error)

    def _disturbance(self, strike: Strike) -> Disturbance:
        action = strike.action

        @contextmanager
        def disturb() -> Iterator[None]:
            say(f"{strike.begin_seconds:6.1f} s  {action.name}: {action.story}")
            with noted(self._judging.notes, FAULT, action.name) as outcome:
                with action.inject(self._bench):
                    yield
                outcome("struck")

        return Disturbance(action.name, disturb, strike.begin_seconds, strike.end_seconds)

    def _begin(self, watch: Watch, load: LoadProcess) -> None:
        self._bench.begin(watch, load)
        for _, disturbance in self._strikes:
            disturbance.begin()

    def _may_end(self, watch: Watch) -> bool:
        """Asked once a second. Heals when the last strike is over; then the load need not go on once all keeps up."""
        assert watch.events is not None
        disturbances = [disturbance for _, disturbance in self._strikes]
        if self._healed_at is None and all(each.finished_at for each in disturbances):
            self._heal(disturbances)
        counted = watch.events.redis.recorder.counted, watch.events.postgres.recorder.counted
        struck = any(each.began for each in disturbances)
        return self._steady.look(time.time(), *counted, self._healed_at, struck=struck, watched=WATCHED_SECONDS)

    def _heal(self, disturbances: Sequence[Disturbance]) -> None:
        """An action ends with the order to put things right, as a single fault does: its carrying out is recovery."""
        began = time.time()
        try:
            self._healed = self._bench.heal()
        except (EnvironmentFailed, OSError) as error:  # NEVER_BACK, as of a single fault that can't be undone
            raise EnvironmentFailed(f"the stack could not be healed: {error}") from EnvironmentFailed(str(error))
        ended = [each.ended_at for each in disturbances if each.ended_at is not None]
        self._healed_at = began if self._healed or not ended else max(ended)
        say("all strikes are over")

    def _end_strikes(self) -> None:
        for _, disturbance in self._strikes:
            with suppress(EnvironmentFailed):  # what it was is in its outcome
                disturbance.end()

    def _revisions(self) -> list[tuple[float, float]]:
        """When final windows were counted again, or may have been."""
        return [
            (disturbance.began_at, disturbance.finished_at or float("inf"))
            for strike, disturbance in self._strikes
            if strike.action.revises and disturbance.began_at is not None
        ]

    def _judged(self, told: ScheduleRun, checked: Checked | None, error: Exception | None) -> ScheduleRun:
        """Raises ``error`` where nothing had been struck: it is the machine's."""
        if checked is None or checked.report is None:
            if error is not None and not any(each.began_at for each in told.outcomes):
                raise error
            reason = str(error) if error else "no count was compared"
            is_broken = error is not None and isinstance(error.__cause__, NEVER_BACK)
            return replace(told, broken=reason) if is_broken else replace(told, void=reason)
        report = checked.report
        found = replace(told, exact=report.exact, differences=report.found.total, records=report.records)
        if self._healed_at is None:
            return replace(found, void="the load ended before the last strike did")
        return self._recovered(found, checked, self._healed_at)

    def _recovered(self, found: ScheduleRun, checked: Checked, ended: float) -> ScheduleRun:
        series, objectives = checked.recording.series, self._judging.objectives
        redis, postgres = series[Indicator.EVENT_TO_REDIS], series[Indicator.EVENT_TO_POSTGRES]
        late = (
            objectives.objective("event_to_redis").value or 0.0,
            objectives.objective("event_to_postgres").value or 0.0,
        )
        measured = recovery(redis, postgres, ended, late, ONSET_SECONDS * self._judging.slowness)
        voids = [each.void for each in (redis, postgres) if each.void]
        if any(each.strike.action.revises and each.began_at for each in found.outcomes):
            voids = [each for each in voids if not each.endswith(OF_OTHERS)]  # replayed events in windows counted again
        silent = [each for each in voids if NO_ANSWER in each]
        void = "" if silent or not voids else voids[0]
        return replace(found, recovery=measured, void=void, broken=silent[0] if silent else "")


def strike_outcome(strike: Strike, disturbance: Disturbance) -> StrikeOutcome:
    """The result of a strike whose disturbance has ended."""
    error, ended = disturbance.error, disturbance.ended_at
    outcome = StrikeOutcome(strike, disturbance.began_at, ended)
    if error is None:
        return outcome
    said = str(error) or type(error).__name__
    if isinstance(error, CommandFailed):
        return replace(outcome, failed=said)
    if ended is not None and not isinstance(error, NotStruck):
        return replace(outcome, failed=f"{strike.action.name} could not be put right: {said}")
    return replace(outcome, missed=f"missed: {said}")
