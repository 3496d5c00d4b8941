"""`adctr bench peers`: the same job written by hand and in other frameworks; drains and loads are interleaved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import psutil
import typer

from compose.cli.bench.output import OutOption, check_out, report_figures, write_out
from compose.cli.options import FormatOption
from compose.experiment.flink_control import FlinkControl, JobControl
from compose.experiment.load_process import LoadProcess
from compose.experiment.preloaded_stack import PreloadedStack, preloaded_stack
from compose.process.errors import EnvironmentFailed, UsageError
from compose.stack.java import artifacts
from compose.stack.java.jvm import JAVA_HOME
from compose.terminal.format import Format
from compose.terminal.progress import say
from slo.bench.drain_run import DrainFailed
from slo.bench.hand_written_loop import FOLLOW
from slo.bench.host import this_machine
from slo.bench.peers.comparison import ContestResult, Entry, drains, latencies
from slo.bench.peers.contender import Contender
from slo.bench.peers.latency import LatencyTurn, LoadShape
from slo.bench.peers.process_contender import ProcessContender
from slo.report.benchmark_tables import peer_rows

LOOP, QUIX, PYFLINK = "loop", "quix", "pyflink"
NAMES = ("adctr", LOOP, QUIX, PYFLINK)
SLOW = (QUIX, PYFLINK)
"""Those that take a topic of their own, as the others' would keep them busy for minutes each time."""
SLOW_TOPIC = "ad-events-slow"
KAFKA_JARS = ("flink-connector-kafka", "flink-connector-base", "kafka-clients", "zstd-jni", "lz4-java", "snappy-java")


def peers(
    context: typer.Context,
    events: Annotated[int, typer.Option(min=1, help="Number of events to preload and drain.")] = 2_000_000,
    slow_events: Annotated[
        int, typer.Option(min=1, help=f"How many of them for {' and '.join(SLOW)}, in a topic of their own.")
    ] = 200_000,
    repetitions: Annotated[int, typer.Option(min=1, help="Measured drains of each contender, interleaved.")] = 5,
    latency_rate: Annotated[float, typer.Option(min=1, help="Events per second while latency is measured.")] = 2e3,
    latency_seconds: Annotated[float, typer.Option(min=0, help="Seconds to measure latency; 0: not at all.")] = 30.0,
    latency_warm_up: Annotated[
        float, typer.Option(min=0, help="Seconds of the same load before that, not judged.")
    ] = 10.0,
    latency_repetitions: Annotated[
        int, typer.Option(min=1, help="Number of these loads on each contender, interleaved.")
    ] = 3,
    contenders: Annotated[str, typer.Option(help="Contenders, separated by commas.")] = ",".join(NAMES),
    out: OutOption = None,
    format_: FormatOption = Format.TEXT,
) -> int:
    """Compares adctr's live job with a hand-written loop, Quix Streams and PyFlink's DataStream API.

    First each drains a full topic: events per second, per CPU-second, memory. Then each gets the same open-loop load:
    event → Redis for every event; one that cannot keep up is said to have fallen behind. Needs `make peers`. Starts a
    stack of its own in DIR/bench-peers. Exit 0: every count exact, and adctr ahead of every other contender in
    events/s. 2: a peer is not installed.
    """
    check_out(out)
    chosen = _chosen(contenders)
    shape = LoadShape(latency_rate, latency_warm_up, latency_seconds) if latency_seconds else None
    contest = _Contest(context.obj / "bench-peers", chosen, events, min(slow_events, events))
    try:
        result = contest.run(repetitions, shape, latency_repetitions)
    except DrainFailed as error:
        raise EnvironmentFailed(str(error)) from error
    write_out(out, result.as_json())
    return report_figures(result.as_json(), result.verdict(), format_, peer_rows(result.as_json()))


def _chosen(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in NAMES]
    if unknown or not names:
        raise UsageError(f"--contenders {text!r}: allowed are {', '.join(NAMES)}")
    if QUIX in names and find_spec("quixstreams") is None:
        raise UsageError("quixstreams is not installed: run `make peers`, or leave it out with --contenders")
    return names


@dataclass(frozen=True)
class _Contest:
    """Drains, then loads, on one stack."""

    directory: Path
    names: Sequence[str]
    events: int
    slow_events: int

    def run(self, repetitions: int, shape: LoadShape | None, loads: int) -> ContestResult:
        """The whole contest. Raises DrainFailed, UsageError and EnvironmentFailed."""
        machine = this_machine()
        with preloaded_stack(self.directory, self.events, keep=False, say=say) as stack:
            stack.control.stop_task_manager("taskmanager-store")
            of = self._topics(stack)
            entries = [Entry(contender(name, topic), topic.expected()) for name, topic in of.items()]
            runs = drains(stack.settings, entries, repetitions, say)
            latency = None
            if shape is not None:
                latency = latencies(self._turns(stack, shape, loads), shape, say)
        return ContestResult({name: topic.events for name, topic in of.items()}, runs, machine, latency)

    def _topics(self, stack: PreloadedStack) -> dict[str, PreloadedStack]:
        """The full topic of each contender."""
        of = dict.fromkeys(self.names, stack)
        slow = [name for name in self.names if name in SLOW]
        if slow and self.slow_events < self.events:
            say(f"preloading {self.slow_events:,} events for {', '.join(slow)}")
            of |= dict.fromkeys(slow, stack.with_topic(SLOW_TOPIC, historic=True).preloaded(self.slow_events))
        return of

    def _turns(self, stack: PreloadedStack, shape: LoadShape, loads: int) -> Iterator[list[LatencyTurn]]:
        """Every load has a topic of its own, so that none begins with what another has left."""
        for number in range(1, loads + 1):
            yield [self._turn(stack, f"ad-events-{name}-{number}", name, shape) for name in self.names]

    def _turn(self, stack: PreloadedStack, topic: str, name: str, shape: LoadShape) -> LatencyTurn:
        live = stack.with_topic(topic, historic=False)

        def load() -> LoadProcess:
            return LoadProcess(live.layout.root, live.ledger, shape.rate, None, settings=live.settings)

        return LatencyTurn(live.settings, contender(name, live, follow=True), load)


def contender(name: str, stack: PreloadedStack, *, follow: bool = False) -> Contender:
    """One of ``NAMES`` on the topic of ``stack``; one that would end with the topic does not if it is to ``follow``."""
    settings = stack.settings
    if name == LOOP:
        return ProcessContender(LOOP, "slo.bench.hand_written_loop", settings, [FOLLOW] if follow else [])
    if name == QUIX:
        return ProcessContender(QUIX, "slo.bench.peers.quix", settings)
    if name == PYFLINK:
        jars = [str(jar) for jar in artifacts.paths("flink") if jar.name.startswith(KAFKA_JARS)]
        java = {"JAVA_HOME": str(JAVA_HOME)}
        return ProcessContender(PYFLINK, "slo.bench.peers.pyflink_datastream", settings, jars, java)
    return LiveContender(stack.control)


@dataclass(frozen=True)
class LiveContender:
    """The pipeline's own job, alone on its TaskManager."""

    control: FlinkControl
    name: str = "adctr"

    @contextmanager
    def running(self) -> Iterator[Mapping[str, psutil.Process]]:
        """JobManager and TaskManager, which stay when the block ends."""
        job = JobControl(self.control, "live", "taskmanager-live")
        with ThreadPoolExecutor(1) as client:
            # Not waited for: Flink's client ends some time after the job has begun to count.
            submitted = client.submit(job.start)
            try:
                yield {str(process.pid): process for process in job.processes()}
            finally:
                submitted.result()
                job.cancel()
