"""`adctr chaos random`, `chaos run FILE`: schedules of overlapping actions, drawn, repeated and reduced."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from compose.cli.check_report import EXIT_CODES
from compose.cli.durations import parse_duration_seconds
from compose.cli.objectives_file import specification
from compose.cli.options import FormatOption, RetriesOption
from compose.cli.report_files import require_writable
from compose.cli.shown import show
from compose.experiment.schedule_run import Judging, run_on_own_stack
from compose.process.errors import EnvironmentFailed, UsageError
from compose.terminal.format import Format
from compose.terminal.progress import say
from slo import json_lines
from slo.annotations import FILE_NAME
from slo.checkout import find_checkout
from slo.disturbances.action import Action
from slo.schedules.catalogue import ACTIONS, find_action
from slo.schedules.draw import SHORTEST_SCHEDULE_SECONDS, draw
from slo.schedules.file import ScheduleError, read_schedule, write_schedule
from slo.schedules.result import RECOVERY_SECONDS, ScheduleRun
from slo.schedules.schedule import Schedule
from slo.schedules.series import find_result, series_json, series_markdown
from slo.schedules.shrink import Shrunk, shrink
from slo.verdict import Verdict

DEFAULT_RATE = 5_000.0
DEFAULT_SHRINK_RUNS = 20

LimitFactorOption = Annotated[
    float,
    typer.Option(help="Multiplies every limit of recovery, for a machine slower than that of docs/faults.md.", min=1),
]
ShrinkOption = Annotated[
    bool, typer.Option("--shrink", help="Reduce a schedule that fails to the smallest one that still does.")
]
ShrinkRunsOption = Annotated[int, typer.Option(help="Runs of --shrink at most; each takes minutes.", min=1)]


@dataclass(frozen=True)
class Running:
    """How a schedule is run and reported."""

    data_dir: Path
    limit_factor: float
    shrink: bool
    shrink_runs: int
    format: Format
    retries: int = 0


def random(
    context: typer.Context,
    seed: Annotated[
        int,
        typer.Option(
            default_factory=lambda: time.time_ns() // 1_000_000 % 1_000_000,
            show_default="another one each time",
            help="Draws the schedule, and is that of the load.",
            min=0,
        ),
    ],
    for_: Annotated[str, typer.Option("--for", help="In which the strikes begin and end, for example 5m.")] = "5m",
    faults: Annotated[
        list[str] | None,
        typer.Option("--faults", help="Draw from these alone, see `chaos list`; with commas, or repeated."),
    ] = None,
    rate: Annotated[float, typer.Option(help="Events per second.", min=1)] = DEFAULT_RATE,
    schedules: Annotated[
        int,
        typer.Option(
            help="How many, with this seed and those that follow it. One that this code has passed or failed before, "
            "as DIR/schedules/results.jsonl says, is not run again.",
            min=1,
        ),
    ] = 1,
    retries: RetriesOption = 0,
    save: Annotated[
        Path | None, typer.Option(help="Where the schedule is written first. Default: DIR/schedules/seed-SEED.yaml.")
    ] = None,
    limit_factor: LimitFactorOption = 1.0,
    shrink_: ShrinkOption = False,
    shrink_runs: ShrinkRunsOption = DEFAULT_SHRINK_RUNS,
    format_: FormatOption = Format.TEXT,
) -> int:
    """Strikes a running stack at random, heals it, and judges counts, recovery and what readers were told.

    Faults, sabotage and operators' commands overlap, under load, on a stack of its own in DIR/chaos. The seed draws
    them; the schedule is saved before it starts, and `chaos run FILE` repeats it. Exit 0: counts exact, recovered
    within the limit, no wrong read, nothing left running. 1: one was not so. 2: no such fault. 3: something could not
    be told. 4: a stack can't start.
    """
    seconds = parse_duration_seconds("--for", for_, bare_seconds=True)
    if seconds < SHORTEST_SCHEDULE_SECONDS:
        raise UsageError(f"--for {for_}: must be at least {SHORTEST_SCHEDULE_SECONDS:g}s")
    chosen = _chosen(faults or ())
    drawn = [draw(each, seconds, rate, chosen) for each in range(seed, seed + schedules)]
    if not all(each.strikes for each in drawn):
        raise UsageError(f"--for {for_}: none of these can begin so early; give more time, or others with --faults")
    running = Running(context.obj, limit_factor, shrink_, shrink_runs, format_, retries)
    if schedules > 1:
        if save is not None:
            raise UsageError("--save names one file: leave it out with --schedules; each has its own in DIR/schedules")
        return _run_series(drawn, running)
    path = save or _usual_path(context.obj, drawn[0])
    if save is not None:
        require_writable("--save", save)
    write_schedule(path, drawn[0])
    say(f"seed {seed}: {len(drawn[0].strikes)} strikes; `adctr chaos run {path}` repeats them")
    return _run(drawn[0], path, running)


def looks_like_file(name: str) -> bool:
    """As profiles of load are told from files."""
    return "/" in name or name.endswith((".yaml", ".yml"))


def run_file(path: Path, running: Running) -> int:
    """Repeats a schedule that was saved. Raises UsageError for a file that holds no schedule."""
    try:
        schedule = read_schedule(path)
    except ScheduleError as error:
        raise UsageError(str(error)) from error
    return _run(schedule, path, running)


def _chosen(names: Sequence[str]) -> Sequence[Action]:
    words = [word.strip() for name in names for word in name.split(",")]
    try:
        return [find_action(word) for word in dict.fromkeys(words)] or ACTIONS
    except KeyError as error:
        raise UsageError(f"--faults: {error.args[0]}") from None


def _run(schedule: Schedule, path: Path, running: Running) -> int:
    document, text = _judged(schedule, path, running)
    show(document, running.format, lambda: print(text))
    return EXIT_CODES[Verdict(document["verdict"])]


def _run_series(drawn: Sequence[Schedule], running: Running) -> int:
    """Results are kept one by one: what ends this early loses the run that is under way."""
    code = _code()
    results = running.data_dir / "schedules" / "results.jsonl"
    documents = []
    for number, schedule in enumerate(drawn, 1):
        path = _usual_path(running.data_dir, schedule)
        write_schedule(path, schedule)
        say(f"{number}/{len(drawn)} seed {schedule.seed}: {len(schedule.strikes)} strikes, {path}")
        document = find_result(results, schedule, RECOVERY_SECONDS * running.limit_factor, code)
        if document is None:
            document, text = _judged(schedule, path, running)
            say(text)
            document["code"] = code
            json_lines.append(results, document)
        else:
            say(f"seed {schedule.seed}: {document['verdict']}, run before")
        documents.append(document)
    whole = series_json(documents)
    show(whole, running.format, lambda: print(series_markdown(documents)))
    return EXIT_CODES[Verdict(whole["verdict"])]


def _judged(schedule: Schedule, path: Path, running: Running) -> tuple[dict[str, Any], str]:
    """The document of a run, and its text; a schedule that fails is reduced if that was asked for."""
    judging = Judging(
        specification(None),
        RECOVERY_SECONDS * running.limit_factor,
        running.limit_factor,
        running.data_dir / FILE_NAME,
    )

    def run(each: Schedule) -> ScheduleRun:
        return run_on_own_stack(each, running.data_dir / "chaos", judging)

    found = run(schedule)
    for _ in range(running.retries):
        if found.verdict is not Verdict.INCONCLUSIVE:
            break
        say(found.as_text())
        found = run(schedule)
    document: dict[str, Any] = {**found.as_json(), "schedule": str(path)}
    said = [found.as_text()]
    if running.shrink and found.verdict is Verdict.FAIL:
        say(found.as_text())
        smaller = path.with_suffix(".shrunk.yaml")
        shrunk = _shrink(schedule, smaller, running.shrink_runs, run)
        document["shrunk"] = _shrunk_json(shrunk, smaller)
        said.append(_shrunk_text(shrunk, smaller))
    return document, "\n".join(said)


def _usual_path(data_dir: Path, schedule: Schedule) -> Path:
    return data_dir / "schedules" / f"seed-{schedule.seed}.yaml"


def _code() -> str | None:
    """The commit, and a digest of what is not committed; None without Git: then nothing counts as run before."""
    checkout = find_checkout()
    return checkout.name if checkout else None


def _shrink(schedule: Schedule, path: Path, most_runs: int, run: Any) -> Shrunk:
    """The smallest one is in the file, whatever ends this."""
    write_schedule(path, schedule)

    def fails(each: Schedule) -> bool:
        names = ", ".join(strike.action.name for strike in each.strikes)
        say(f"shrinking: {len(each.strikes)} strikes ({names})")
        try:
            found: ScheduleRun = run(each)
        except EnvironmentFailed as error:
            say(f"shrinking: not judged: {error}")
            return False
        say(f"shrinking: {found.verdict.value} {'; '.join(found.problems)}")
        return found.verdict is Verdict.FAIL

    return shrink(schedule, fails, most_runs, lambda smaller: write_schedule(path, smaller))


def _shrunk_json(shrunk: Shrunk, path: Path) -> dict[str, Any]:
    return {
        "schedule": str(path),
        "strikes": len(shrunk.schedule.strikes),
        "runs": shrunk.runs,
        "smallest": shrunk.smallest,
    }


def _shrunk_text(shrunk: Shrunk, path: Path) -> str:
    number = len(shrunk.schedule.strikes)
    size = "each of which it needs to fail" if shrunk.smallest else "perhaps not the smallest: --shrink-runs is more"
    return f"{path}: {number} strikes are left after {shrunk.runs} runs, {size}"
