"""`adctr bench capacity`: the highest rate at which every judged objective holds, and latency against rate up to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer

from compose.cli.bench.output import OutOption, check_out, print_rows, print_verdict, write_out
from compose.cli.check_report import EXIT_CODES
from compose.cli.options import FormatOption
from compose.cli.shown import show
from compose.experiment.load_check import GeneratedLoad, run_load_check, warm_up
from compose.process.errors import EnvironmentFailed, Inconclusive, UsageError
from compose.stack.lifecycle import temporary_stack, throwaway_directory
from compose.stack.ports import PortChoice
from compose.terminal.format import Format
from compose.terminal.progress import Progress, say
from loadgen.ledger import read_ledger
from pipeline.settings import Settings
from slo.bench.capacity import CapacityResult, Trial, outcome_of
from slo.bench.capacity_search import Outcome, Phase, RateRange, search
from slo.bench.host import this_machine
from slo.bench.lag_trend import certain_lag_slope, falls_behind, lag_slope
from slo.check import Checked, Observation, Watch
from slo.latency.figures import figures
from slo.probes.catalogue import probes_of
from slo.reconciliation.topic import Topics
from slo.reconciliation.verify import reconcile
from slo.reconciliation.wait_drained import JobsStuck, NotDrained, wait_until_drained
from slo.report.benchmark_tables import capacity_rows
from slo.spec.model import Indicator, Specification
from slo.spec.parse import load_bundled
from slo.verdict import judge_run

TRIAL_WARM_UP_SECONDS = 10.0
"""At the beginning of each trial, not judged: the jobs adjust their batches to the new rate."""
RECOVERY_SECONDS = 300.0
_FULL_VERIFY_SECONDS = 300.0

SEND_DELAY_LIMIT_SECONDS = 0.25


def capacity(
    context: typer.Context,
    from_: Annotated[float, typer.Option("--from", min=100, help="Lowest rate, events/s.")] = 5_000.0,
    to: Annotated[float, typer.Option(min=100, help="Highest rate.")] = 160_000.0,
    resolution: Annotated[float, typer.Option(min=100, help="Step between rates, events/s.")] = 5_000.0,
    seconds: Annotated[float, typer.Option(min=30, help="Seconds that a rate must hold in the search.")] = 60.0,
    confirmations: Annotated[int, typer.Option(min=0, help="Number of further trials that the answer must hold.")] = 2,
    confirm_seconds: Annotated[
        float, typer.Option(min=30, help="Seconds of each confirmation; 230 or more also judge cache reads.")
    ] = 240.0,
    warm_up: Annotated[float, typer.Option(min=0, help="Seconds at the lowest rate before the first trial.")] = 60.0,
    out: OutOption = None,
    format_: FormatOption = Format.TEXT,
) -> int:
    """Searches the highest rate that holds every judged objective: doubling, bisection, then confirmations.

    A rate is given up early when the jobs' lag grows steadily; one whose generator was late itself never counts as
    held. Starts a stack of its own, with every sink and the dashboard, in DIR/bench-capacity. Exit 0: exact, at least
    60,000 events/s, and event → Redis p99 at half of it at most 300 ms. 1: not so. 3: nothing certain.
    """
    rates = _range(from_, to, resolution)
    check_out(out)
    with _stack(context.obj / "bench-capacity") as (directory, settings):
        bench = _Bench(directory, settings, seconds, confirm_seconds)
        bench.warm_up(from_, warm_up)
        result = bench.run(rates, confirmations)
    write_out(out, result.as_json())
    show(result.as_json(), format_, lambda: _print(result))
    return EXIT_CODES[result.verdict().verdict]


def _range(low: float, high: float, resolution: float) -> RateRange:
    try:
        return RateRange(low, high, resolution)
    except ValueError as error:
        raise UsageError(f"--from, --to, --resolution: {error}") from error


@contextmanager
def _stack(directory: Path) -> Iterator[tuple[Path, Settings]]:
    with (
        throwaway_directory(directory) as layout,
        temporary_stack(layout.root, PortChoice.AUTO, historic=False, say=say, dashboard=True) as settings,
    ):
        yield layout.root, settings


@dataclass
class _Bench:
    """The search's trials on one stack. They count in Redis and PostgreSQL beside each other, as a day's load does."""

    directory: Path
    settings: Settings
    seconds: float
    confirm_seconds: float
    trials: list[Trial] = field(default_factory=list)

    def warm_up(self, rate: float, seconds: float) -> None:
        """A load that nobody judges: a JVM that is still compiling would break at a rate that it holds later."""
        say(f"warming up at {rate:,.0f} events/s for {seconds:g} s")
        warm_up(self.directory, rate, seconds)

    def run(self, rates: RateRange, confirmations: int) -> CapacityResult:
        """The whole search, a trial at half of its answer, and the comparison of every count."""
        machine = this_machine()
        found = search(rates, confirmations, self.attempt)
        if found.rate is not None and not any(each.rate == found.rate / 2 for each in self.trials):
            self.attempt(found.rate / 2, Phase.CURVE)
        self._recover()
        return CapacityResult(found, self.trials, rates.resolution, self._differences(), machine)

    def attempt(self, rate: float, phase: Phase) -> Outcome:
        """One trial, after the jobs have caught up with the one before."""
        self._recover()
        seconds = self.confirm_seconds if phase is Phase.CONFIRMATION else self.seconds
        trial = self._trial(rate, phase, seconds)
        self.trials.append(trial)
        latency = trial.event_to_redis
        p99 = f", p99 {latency.p99 * 1000:,.0f} ms" if latency and latency.p99 is not None else ""
        say(f"{rate:,.0f} events/s ({phase}): {trial.outcome}{p99}{f' ({trial.reason})' if trial.reason else ''}")
        return trial.outcome

    def _trial(self, rate: float, phase: Phase, seconds: float) -> Trial:
        whole, gave_up = TRIAL_WARM_UP_SECONDS + seconds, False

        def hopeless(watch: Watch) -> bool:
            nonlocal gave_up
            gave_up = gave_up or falls_behind(_slope_so_far(watch), rate)
            return gave_up

        try:
            load = GeneratedLoad(self.directory, self.settings, rate, whole, give_up=hopeless)
            probes = probes_of(self.settings, with_canaries=False)
            checked = run_load_check(load, Observation(probes, verify=False))
        except Inconclusive as error:
            return Trial(rate, phase, Outcome.BROKEN, str(error), seconds)
        if not gave_up and checked.recording.seconds < whole - 1:
            raise KeyboardInterrupt  # the load has ended in order; Ctrl-C ends the whole search
        return _judged(rate, phase, min(seconds, checked.recording.seconds), checked, gave_up=gave_up)

    def _recover(self) -> None:
        """Waits until the jobs have got through all that was sent. Raises EnvironmentFailed if they don't."""
        with Topics(self.settings) as topics:
            ends = topics.ranges(self.settings.events_topic)
            try:
                wait_until_drained(self.settings, topics, ends, RECOVERY_SECONDS, lambda _: None)
            except (NotDrained, JobsStuck) as error:
                raise EnvironmentFailed(f"the stack does not recover from a trial: {error}") from error

    def _differences(self) -> int:
        say("verifying every count of every trial")
        ledgers = [read_ledger(path) for path in sorted((self.directory / "ledgers").glob("*.ledger"))]
        progress = Progress()
        try:
            return reconcile(self.settings, ledgers, _FULL_VERIFY_SECONDS, progress).found.total
        finally:
            progress.clear()


def _slope_so_far(watch: Watch) -> float | None:
    recording = watch.recorder.recording()
    return certain_lag_slope(recording.series[Indicator.CONSUMER_LAG], recording.began + TRIAL_WARM_UP_SECONDS)


def _judged(rate: float, phase: Phase, seconds: float, checked: Checked, *, gave_up: bool) -> Trial:
    recording = checked.recording.last(seconds)
    verdict = judge_run(_specification(), recording)
    slope = lag_slope(recording.series[Indicator.CONSUMER_LAG], recording.began)
    assert checked.load is not None
    outcome, reason = outcome_of(rate, checked.load, verdict, slope, SEND_DELAY_LIMIT_SECONDS)
    if gave_up and outcome is not Outcome.BROKEN:
        outcome, reason = Outcome.BROKEN, "given up: the jobs fell behind"
    return Trial(
        rate=rate,
        phase=phase,
        outcome=outcome,
        reason=reason,
        seconds=seconds,
        rate_achieved=checked.load.rate_achieved,
        send_delay_p99_seconds=checked.load.send_delay.p99,
        lag_slope=slope,
        event_to_redis=figures(recording.series[Indicator.EVENT_TO_REDIS].values),
        event_to_postgres=figures(recording.series[Indicator.EVENT_TO_POSTGRES].values),
        objectives={each.name: each.verdict.value for each in verdict.objectives},
    )


def _specification() -> Specification:
    """The bundled objectives; counts are compared once, at the end, over all trials."""
    bundled = load_bundled()
    return bundled.only([each.name for each in bundled.objectives if each.name != "counts_exact"])


def _print(result: CapacityResult) -> None:
    print_rows(capacity_rows(result.as_json()))
    rate = result.found.rate
    print(f"capacity: {'none' if rate is None else f'{rate:,.0f} events/s'}, limited by {result.limited_by}")
    print_verdict(result.verdict())
