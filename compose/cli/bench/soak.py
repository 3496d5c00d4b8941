"""`adctr bench soak`: does anything grow that should not?"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from compose.cli.check_report import EXIT_CODES, load_and_counts
from compose.cli.objectives_file import specification
from compose.cli.options import FormatOption
from compose.cli.report_files import check_files
from compose.cli.shown import report_width, show
from compose.experiment.load_check import new_ledger, run_long_check
from compose.experiment.load_process import LoadProcess
from compose.experiment.stack_processes import every_pid
from compose.process.errors import EnvironmentFailed
from compose.stack.layout import Layout
from compose.stack.lifecycle import temporary_stack, throwaway_directory
from compose.stack.ports import PortChoice
from compose.terminal.format import Format
from compose.terminal.progress import say
from pipeline.job_names import JOBS, flink_name
from pipeline.settings import ENV_PREFIX, Settings
from slo.bench.host import this_machine
from slo.bench.soak import SETTINGS, Soak, Subjects, levels, needed_bytes, shortest_seconds, with_subjects
from slo.check import Checked, LoadSummary, Watch
from slo.probes.checkpoints import Checkpoints
from slo.probes.dashboard import Dashboard
from slo.probes.java_garbage import JavaGarbage
from slo.probes.postgres_bloat import TABLES, PostgresBloat
from slo.probes.probe import Probe
from slo.probes.processes import Processes
from slo.probes.redis_server import RedisServer
from slo.probes.state_storage import StateStorage
from slo.report.text import to_text
from slo.report.write import write_report
from slo.spec.model import Indicator, Specification
from slo.spec.parse import load_bundled_soak

PROGRESS_SECONDS = 60.0
_POLL_SECONDS = 0.5

OutOption = Annotated[
    list[Path] | None,
    typer.Option("--out", help="Also write the report here; .html, .json, .xml (JUnit), .md or .txt. Repeatable."),
]


def soak(
    context: typer.Context,
    minutes: Annotated[float, typer.Option(min=1, help="Minutes to load the stack.")] = 30.0,
    rate: Annotated[float, typer.Option(min=1, help="Events per second.")] = 10_000.0,
    spec: Annotated[
        Path | None, typer.Option("--spec", help="File of objectives; default: slo/soak.yaml of this installation.")
    ] = None,
    out: OutOption = None,
    save: Annotated[
        Path | None, typer.Option("--save", help="Keep the recording, for `adctr slo compare` or to judge again.")
    ] = None,
    format_: FormatOption = Format.TEXT,
) -> int:
    """Loads a stack for a long time and judges what grows after its first part: memory, handles, threads, state, bloat.

    Starts a stack of its own in DIR/bench-soak, with every sink and the dashboard, whose windows expire early
    (slo/soak.yaml says how and why). Exit 0: nothing grows beyond its limit, every count exact. 1: something does.
    3: too short, or not certain. Ctrl-C ends everything without a verdict.
    """
    objectives, seconds = _objectives(spec), minutes * 60
    check_files(out or (), save)
    directory = context.obj / "bench-soak"
    _require_room(directory, rate, seconds)
    if seconds < shortest_seconds(objectives):
        say(f"{minutes:g} minutes won't judge everything: that takes {shortest_seconds(objectives) / 60:g} or more")
    machine = this_machine()
    checked, subjects = _soaked(directory, rate, seconds, save)
    result = Soak.of(minutes, rate, with_subjects(objectives, subjects), checked, machine)
    show(result.as_json(), format_, lambda: _print(result))
    sys.stdout.flush()
    _write_files(out or (), save, result)
    return EXIT_CODES[result.verdict.verdict]


def _objectives(path: Path | None) -> Specification:
    return load_bundled_soak() if path is None else specification(path)


def _require_room(directory: Path, rate: float, seconds: float) -> None:
    place = next(each for each in (directory, *directory.resolve().parents) if each.exists())
    free, needed = shutil.disk_usage(place).free, needed_bytes(rate, seconds)
    if free < needed:
        raise EnvironmentFailed(
            f"{place}: {free / 1e9:.1f} GB free, this soak needs {needed / 1e9:.1f} GB; free some space, choose "
            "another disk with --data-dir, or fewer --minutes or a lower --rate"
        )


def _soaked(directory: Path, rate: float, seconds: float, save: Path | None) -> tuple[Checked, Subjects]:
    """On a stack of its own, which is removed afterwards."""
    environ = {**os.environ, **{f"{ENV_PREFIX}{name.upper()}": str(value) for name, value in SETTINGS.items()}}
    with (
        throwaway_directory(directory) as layout,
        temporary_stack(
            layout.root, PortChoice.AUTO, historic=False, say=say, environ=environ, dashboard=True
        ) as settings,
    ):
        return _under_load(layout, settings, rate, seconds, save)


def _under_load(
    layout: Layout, settings: Settings, rate: float, seconds: float, save: Path | None
) -> tuple[Checked, Subjects]:
    subjects = _subjects(list(every_pid(layout)))
    ledger = new_ledger(layout.root)

    def load(watch: Watch) -> LoadSummary:
        say(f"sending {rate:,.0f} events/s for {seconds / 60:g} minutes")
        with LoadProcess(layout.root, ledger, rate, seconds) as process:
            _wait(process, watch, seconds)
            if save is not None:  # for now without counts, so that no failure of what follows takes it along
                watch.recorder.recording().save(save)
            return process.summary()

    return run_long_check(settings, _probes(layout, settings), load), subjects


def _probes(layout: Layout, settings: Settings) -> Sequence[Probe]:
    topic, database = layout.of_service("kafka") / settings.events_topic, layout.of_service("postgres")
    segments = [f"{topic}-{partition}/" for partition in range(settings.events_partitions)]
    tables = [f"{database}/base/", f"{database}/global/"]
    return (
        Checkpoints(settings),
        StateStorage(settings),
        RedisServer(settings),
        PostgresBloat(settings),
        Processes(lambda: every_pid(layout), segments + tables),
        JavaGarbage(lambda: every_pid(layout)),
        # Somebody has the page open: a dashboard that nobody looks at does nothing.
        Dashboard(settings),
    )


def _subjects(services: Sequence[str]) -> Subjects:
    jobs = [flink_name(job) for job in JOBS]
    return {
        Indicator.CHECKPOINT_SIZE: jobs,
        Indicator.STATE_STORAGE: jobs,
        Indicator.POSTGRES_BLOAT: TABLES,
        Indicator.PROCESS_MEMORY: services,
        Indicator.PROCESS_FILE_HANDLES: services,
        Indicator.PROCESS_THREADS: services,
    }


def _wait(process: LoadProcess, watch: Watch, seconds: float) -> None:
    """Until the load has ended; says once a minute where everything stands."""
    began = said = time.monotonic()
    while process.running:
        time.sleep(_POLL_SECONDS)
        if time.monotonic() - said >= PROGRESS_SECONDS:
            said = time.monotonic()
            say(f"{(said - began) / 60:4.0f} of {seconds / 60:g} min   {levels(watch.recorder.recording())}")


def _print(result: Soak) -> None:
    for line in load_and_counts(result.load, result.report):
        print(line)
    print(to_text(result.specification, result.recording, result.verdict, report_width()), end="")


def _write_files(out: Sequence[Path], save: Path | None, result: Soak) -> None:
    if save is not None:
        result.recording.save(save)
    for path in out:
        if path.suffix.lower() == ".json":
            path.write_text(json.dumps(result.as_json(), indent=2) + "\n", encoding="utf-8")
        else:
            write_report(path, result.specification, result.recording, result.verdict)
