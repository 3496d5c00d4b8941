"""`adctr bench peers`: the same job written by hand and in another framework, drained by turns."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from compose.cli import Format, FormatOption
from compose.commands.bench_output import print_rows, say
from compose.errors import EnvironmentFailed, UsageError

if TYPE_CHECKING:
    import psutil

    from compose.commands.flink_control import FlinkControl
    from pipeline.settings import Settings
    from slo.bench.peers.contest import Contender, PeerRun

LOOP, QUIX = "loop", "quix"
NAMES = ("adctr", LOOP, QUIX)


def peers(
    context: typer.Context,
    events: Annotated[int, typer.Option(min=1, help="How many events to preload and drain.")] = 2_000_000,
    repetitions: Annotated[int, typer.Option(min=1, help="Measured drains of each contender, by turns.")] = 5,
    contenders: Annotated[str, typer.Option(help="Which of them, separated by commas.")] = ",".join(NAMES),
    format_: FormatOption = Format.TEXT,
) -> int:
    """adctr's live job, a hand-written loop and Quix Streams drain the same topic into the same windows, by turns.

    Needs `make peers`. Starts a stack of its own in DIR/bench-peers. Exit 0: every count exact, and adctr ahead of
    every other contender in events/s. 2: a peer is not installed.
    """
    from compose.commands.bench import print_verdict
    from compose.commands.checking import EXIT_CODES
    from slo.bench.drain import DrainFailed
    from slo.bench.machine import this_machine
    from slo.bench.peers.contest import ContestResult
    from slo.report.benchmark_tables import peer_rows

    chosen = _chosen(contenders)
    try:
        machine = this_machine()
        runs = _drains(context.obj / "bench-peers", chosen, events, repetitions)
    except DrainFailed as error:
        raise EnvironmentFailed(str(error)) from error
    result = ContestResult(chosen, events, runs, machine)
    if format_ is Format.JSON:
        print(json.dumps(result.as_json(), indent=2))
    else:
        print_rows(peer_rows(result.as_json()))
        print_verdict(result.verdict())
    return EXIT_CODES[result.verdict().verdict]


def _chosen(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in NAMES]
    if unknown or not names:
        raise UsageError(f"--contenders {text!r}: allowed are {', '.join(NAMES)}")
    if QUIX in names and find_spec("quixstreams") is None:
        raise UsageError("quixstreams is not installed: run `make peers`, or leave it out with --contenders")
    return names


def _drains(directory: Path, names: Sequence[str], events: int, repetitions: int) -> list[PeerRun]:
    from compose.commands.bench_stack import preloaded_stack
    from slo.bench.peers.contest import drains

    with preloaded_stack(directory, events, keep=False, say=say) as stack:
        stack.control.stop_task_manager("taskmanager-store")
        found = _contenders(names, stack.settings, stack.control)
        return drains(stack.settings, found, stack.expected(), repetitions, say)


def _contenders(names: Sequence[str], settings: Settings, control: FlinkControl) -> list[Contender]:
    from slo.bench.peers.process_contender import ProcessContender

    known: dict[str, Contender] = {
        "adctr": LiveJob(control),
        LOOP: ProcessContender(LOOP, "slo.bench.hand_written_loop", settings),
        QUIX: ProcessContender(QUIX, "slo.bench.peers.quix", settings),
    }
    return [known[name] for name in names]


@dataclass(frozen=True)
class LiveJob:
    """The pipeline's own job, alone on its TaskManager."""

    control: FlinkControl
    name: str = "adctr"

    @contextmanager
    def running(self) -> Iterator[Mapping[str, psutil.Process]]:
        """JobManager and TaskManager, which stay when the block ends."""
        from compose.commands.flink_control import JobControl

        job = JobControl(self.control, "live", "taskmanager-live")
        with ThreadPoolExecutor(1) as client:
            # Not waited for: Flink's client ends some time after the job has begun to count.
            submitted = client.submit(job.start)
            try:
                yield {str(process.pid): process for process in job.processes()}
            finally:
                submitted.result()
                job.cancel()
