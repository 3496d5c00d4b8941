"""`adctr slo check`, `slo watch`, `slo export`, `slo compare`: what probes see, and what is said of it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from prometheus_client import CollectorRegistry
from rich.live import Live

from compose.cli.check_report import EXIT_CODES, as_json, report
from compose.cli.durations import parse_duration_seconds
from compose.cli.objectives_file import SpecOption, specification
from compose.cli.options import FormatOption
from compose.cli.report_files import check_files
from compose.cli.shown import note, report_width, show
from compose.experiment.load_check import GeneratedLoad, run_load_check, run_production_check, warm_up
from compose.process.errors import UsageError
from compose.process.exit_codes import ExitCode
from compose.stack.state import load_settings
from compose.terminal.format import Format
from pipeline.settings import Settings
from slo.annotations import FILE_NAME
from slo.check import Checked, Observation
from slo.compare import compare as held_against
from slo.exporter.buckets import USUAL_EDGES_SECONDS
from slo.exporter.exporter import Exporter
from slo.exporter.job_reports import JobReports
from slo.exporter.load_runs import Drills, LoadRuns
from slo.exporter.readings import Readings, Source
from slo.exporter.storage import default_partition, disk
from slo.exporter.topics import Topics
from slo.probes.catalogue import probes_of
from slo.probes.recorder import Recorder
from slo.recording import Recording, RecordingError
from slo.report.comparison import comparison_json, comparison_text
from slo.report.html import to_html
from slo.report.junit import to_junit
from slo.report.markdown import to_markdown
from slo.report.text import table
from slo.report.write import write_report
from slo.spec.metrics import LONGEST_COMPARISON_PERIOD_SECONDS, bucket_edges
from slo.spec.model import Specification
from slo.verdict import RunVerdict, judge, judge_run

DEFAULT_EXPORTER_PORT = 9108
WATCH_SECONDS = 120.0
"""How far back the live table looks: four canaries a second are then enough to show 99 %."""
_KEPT_SECONDS = 2 * WATCH_SECONDS
_WATCH_PERIOD_SECONDS = 1.0


class ReportFormat(StrEnum):
    """Formats of a verdict."""

    TEXT = "text"
    JSON = "json"
    JUNIT = "junit"
    MARKDOWN = "markdown"
    HTML = "html"


ForOption = Annotated[str, typer.Option("--for", metavar="D", help="How long to watch, for example 60s or 5m.")]
RateOption = Annotated[
    float | None,
    typer.Option(
        min=1,
        help="Send so many events/s meanwhile and time every one of them. Without it, the stack's canaries are timed "
        "under whatever load there is.",
        show_default=False,
    ),
]
WarmUpOption = Annotated[
    str | None,
    typer.Option(
        metavar="D",
        help="With --rate: send for so long before, counted but not timed. A fresh stack needs a minute.",
        show_default=False,
    ),
]
OutOption = Annotated[
    list[Path] | None,
    typer.Option("--out", help="Also write the report here; .html, .json, .xml (JUnit), .md or .txt. Repeatable."),
]
SaveOption = Annotated[
    Path | None, typer.Option("--save", help="Keep the recording, for `adctr slo compare` or to judge again.")
]


def check(
    context: typer.Context,
    for_: ForOption = "20m",
    rate: RateOption = None,
    warm_up: WarmUpOption = None,
    spec: SpecOption = None,
    release: Annotated[
        bool,
        typer.Option("--release", help="Objectives that need a longer check are inconclusive instead of left out."),
    ] = False,
    verify: Annotated[bool, typer.Option(help="Compare every count with the topic at the end.")] = True,
    out: OutOption = None,
    save: SaveOption = None,
    format_: Annotated[ReportFormat, typer.Option("--format", help="How to print the report.")] = ReportFormat.TEXT,
) -> int:
    """Watches the running stack and judges every objective.

    Exit 0: every judged objective is kept. 1: one is breached. 2: the objectives have a mistake. 3: inconclusive, or
    nothing was judged. 4: no stack runs.
    """
    objectives, seconds = specification(spec), parse_duration_seconds("--for", for_)
    if warm_up is not None and rate is None:
        raise UsageError("--warm-up is for a load of the check's own: give its --rate as well")
    before = parse_duration_seconds("--warm-up", warm_up, zero=True) if warm_up is not None else 0.0
    check_files(out or (), save)
    checked = _watched(context.obj, load_settings(context.obj), rate, before, seconds, verify=verify)
    verdict = judge(objectives, checked.recording, release=release)
    code = _print(checked, objectives, verdict, format_)
    # Shown first: a disk that is full by now must not take the verdict with it.
    sys.stdout.flush()
    _write_files(out or (), save, checked, objectives, verdict)
    return code


def _watched(
    data_dir: Path, settings: Settings, rate: float | None, before_seconds: float, seconds: float, *, verify: bool
) -> Checked:
    if rate is None:
        return run_production_check(settings, seconds, probes_of(settings), verify=verify)
    warm_up(data_dir, rate, before_seconds)
    probes = probes_of(settings, with_canaries=False)
    load = GeneratedLoad(data_dir, settings, rate, seconds)
    return run_load_check(load, Observation(probes, verify=verify), undrained=True)


def _print(checked: Checked, objectives: Specification, verdict: RunVerdict, format_: ReportFormat) -> int:
    if format_ in (ReportFormat.TEXT, ReportFormat.JSON):
        return report(checked, objectives, verdict, Format(format_.value))
    note(as_json(checked, objectives, verdict))
    print(_render(format_)(objectives, checked.recording, verdict), end="")
    return EXIT_CODES[verdict.verdict]


def _write_files(
    out: Sequence[Path], save: Path | None, checked: Checked, objectives: Specification, verdict: RunVerdict
) -> None:
    if save is not None:
        checked.recording.save(save)
    for path in out:
        write_report(path, objectives, checked.recording, verdict)


def _render(format_: ReportFormat) -> Callable[[Specification, Recording, RunVerdict], str]:
    return {ReportFormat.HTML: to_html, ReportFormat.JUNIT: to_junit, ReportFormat.MARKDOWN: to_markdown}[format_]


def compare(
    a: Annotated[Path, typer.Argument(help="The baseline, a recording of `slo check --save`.")],
    b: Annotated[Path, typer.Argument(help="The recording to compare with it.")],
    format_: FormatOption = Format.TEXT,
) -> int:
    """Compares two checks: a difference counts if its whole interval lies beyond 10 %.

    Exit 0: B is not shown to be worse. 1: it is. 2: a file is no recording. 3: nothing could be compared, or B
    lacks what A has.
    """
    compared = held_against(_recording(a), _recording(b))
    show(comparison_json(compared), format_, lambda: print(comparison_text(compared, report_width()), end=""))
    if compared.worse:
        return ExitCode.FAIL
    whole = compared.anything_compared and not compared.missing_in_b
    return ExitCode.PASS if whole else ExitCode.INCONCLUSIVE


def _recording(path: Path) -> Recording:
    try:
        return Recording.load(path)
    except (RecordingError, FileNotFoundError) as error:
        raise UsageError(str(error)) from error


def export(
    context: typer.Context,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = (
        DEFAULT_EXPORTER_PORT
    ),
    listen: Annotated[
        str, typer.Option(help="Address to listen on; another than this only where the network is your own.")
    ] = "127.0.0.1",
    spec: SpecOption = None,
    verify_every: Annotated[
        str | None,
        typer.Option(metavar="D", help="Compare all counts with the topic this often, and export the differences."),
    ] = None,
) -> None:
    """Serves the probes' metrics to Prometheus, until Ctrl-C. Exit 4: the port is taken, or no stack runs."""
    objectives = specification(spec)
    every = None if verify_every is None else parse_duration_seconds("--verify-every", verify_every)
    if every is not None and every > LONGEST_COMPARISON_PERIOD_SECONDS:
        raise UsageError(f"--verify-every {verify_every}: must be at most 1d, as the rules look no further back")
    settings = load_settings(context.obj)
    edges = {each: bucket_edges(objectives, each, usual) for each, usual in USUAL_EDGES_SECONDS.items()}
    registry = CollectorRegistry()
    LoadRuns(registry, context.obj / "ledgers")
    Drills(registry, context.obj / FILE_NAME)
    JobReports(registry, settings.checkpoint_dir)
    sources: dict[str, Source] = {
        "offsets of topics": Topics(settings).read,
        "rows of the default partition": partial(default_partition, settings),
        "free space": partial(disk, settings.checkpoint_dir),
    }
    with (
        Readings(registry, sources),
        Exporter(settings, probes_of(settings), edges, port, registry, every, listen) as exporter,
    ):
        print(f"serving http://{listen}:{exporter.port}/metrics", file=sys.stderr, flush=True)
        while True:
            time.sleep(3600)


def watch(context: typer.Context, spec: SpecOption = None) -> None:
    """Shows a live table of what two minutes can judge, without counts, until Ctrl-C. Times the stack's canaries."""
    objectives = specification(spec)
    settings = load_settings(context.obj)
    objectives = objectives.only([each.name for each in objectives.objectives if each.name != "counts_exact"])
    with (
        Recorder(probes_of(settings)) as recorder,
        Live(auto_refresh=False, vertical_overflow="visible") as live,
    ):
        while True:
            recorder.forget(time.time() - _KEPT_SECONDS)
            recording = recorder.recording().last(WATCH_SECONDS)
            live.update(table(objectives, judge_run(objectives, recording)), refresh=True)
            time.sleep(_WATCH_PERIOD_SECONDS)
