"""`adctr chaos list` and `run`: faults under load; is every count right, and how soon was the pipeline back?"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from compose.cli.chaos.schedules import (
    DEFAULT_SHRINK_RUNS,
    LimitFactorOption,
    Running,
    ShrinkOption,
    ShrinkRunsOption,
    looks_like_file,
    run_file,
)
from compose.cli.check_report import EXIT_CODES
from compose.cli.objectives_file import specification
from compose.cli.options import FormatOption, RetriesOption
from compose.cli.report_files import require_writable
from compose.cli.shown import report_width, show
from compose.experiment.disturbed_stack import own_stack
from compose.experiment.fault_run import DrawnRun, run_fault
from compose.experiment.load_check import warm_up
from compose.process.errors import EnvironmentFailed, UsageError
from compose.terminal.format import Format
from compose.terminal.progress import say
from slo.annotations import FAULT, FILE_NAME, noted
from slo.faults.catalogue import FAULTS, find_fault
from slo.faults.fault import STORES, Fault, FaultResult
from slo.report.faults import check_form, to_json, to_text, write_report
from slo.report.write import UnknownForm
from slo.schedules.catalogue import ACTIONS
from slo.verdict import Verdict
from slo.verdict.result import overall

DEFAULT_RATE = 10_000.0
WARM_UP_SECONDS = 30.0
"""Of each stack: in its first minute a JVM competes with its own compiler, and is late by itself."""
FAULTS_PER_STACK = 5
"""Each verifies everything since the stack's start, which costs more than a new stack after a few of them."""


def list_faults(format_: FormatOption = Format.TEXT) -> None:
    """Lists every fault with its limit of recovery, and what only random schedules do."""
    others = [each for each in ACTIONS if not isinstance(each, Fault)]
    if format_ is Format.JSON:
        rows = [
            {"name": each.name, "story": each.story, "limit_seconds": each.limit_seconds}
            | {"recovers": STORES[each.recovers], "keeps": sorted(each.keeps)}
            for each in FAULTS
        ]
        drawn = [{"name": each.name, "story": each.story} for each in others]
        print(json.dumps({"faults": rows, "drawn": drawn}, indent=2))
        return
    for each in FAULTS:
        kept = f" Kept meanwhile: {', '.join(sorted(each.keeps))}." if each.keeps else ""
        print(f"{each.name:<33} {STORES[each.recovers]:<10} ≤ {each.limit_seconds:>2g} s  {each.story}{kept}")
    print("\nIn random schedules also:")
    for other in others:
        print(f"{other.name:<33} {other.story}")


def run(
    context: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(help="Faults to inject, see `adctr chaos list`; or the file of one schedule.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every fault, in order.")] = False,
    rate: Annotated[float, typer.Option(help="Events per second.", min=1)] = DEFAULT_RATE,
    repeat: Annotated[int, typer.Option(help="Runs of each fault; the median of the recoveries counts.", min=1)] = 1,
    retries: RetriesOption = 0,
    limit_factor: LimitFactorOption = 1.0,
    out: Annotated[
        list[Path] | None,
        typer.Option("--out", help="Also write the report here, after every run; .html, .json or .txt. Repeatable."),
    ] = None,
    shrink: ShrinkOption = False,
    shrink_runs: ShrinkRunsOption = DEFAULT_SHRINK_RUNS,
    format_: FormatOption = Format.TEXT,
) -> int:
    """Injects each fault into a running stack under load, verifies every count and measures the recovery.

    Starts a stack of its own in DIR/chaos. Exit 0: all exact, back within their limits, and what had to be kept was
    kept. 1: one was not. 2: no such fault. 3: something could not be measured. 4: a stack can't start. A FILE that
    `chaos random` has saved is repeated as one schedule, at its own rate.
    """
    if names and len(names) == 1 and looks_like_file(names[0]):
        if every or repeat != 1 or retries or out or rate != DEFAULT_RATE:
            raise UsageError(f"{names[0]} is a schedule: no --all, --rate, --repeat, --retries and no --out beside it")
        return run_file(Path(names[0]), Running(context.obj, limit_factor, shrink, shrink_runs, format_))
    if shrink:
        raise UsageError("--shrink reduces a schedule: name the file of one")
    chosen = _chosen(names or (), every)
    _check_reports(out or ())
    chosen = [each.with_limits_times(limit_factor) for each in chosen]
    results: list[FaultResult] = []
    drawn: list[DrawnRun] = []
    # Interleaved, so that a noisy hour affects all faults, and an interrupted run still has a table.
    gone: EnvironmentFailed | None = None
    try:
        for found in _runs(context.obj, [each for _ in range(repeat) for each in chosen], rate, retries):
            drawn.append(found)
            by_fault = {fault: [each.run for each in drawn if each.run.fault is fault] for fault in chosen}
            plots = {fault.name: [each.plots for each in drawn if each.run.fault is fault] for fault in chosen}
            results = [FaultResult(fault, of_it) for fault, of_it in by_fault.items() if of_it]
            for path in out or ():
                write_report(path, results, rate, plots)
    except EnvironmentFailed as error:
        gone = error  # a failure that was found before stays a failure
    show(to_json(results, rate), format_, lambda: print(to_text(results, rate, report_width()), end=""))
    verdict = overall(each.verdict for each in results)
    if gone is not None and verdict is not Verdict.FAIL:
        raise gone
    return EXIT_CODES[verdict]


def _chosen(names: Sequence[str], every: bool) -> list[Fault]:
    try:
        chosen = list(FAULTS) if every else [find_fault(name) for name in dict.fromkeys(names)]
    except KeyError as error:
        raise UsageError(error.args[0]) from None
    if not chosen:
        raise UsageError("name a fault, or give --all; `adctr chaos list` lists them")
    return chosen


def _check_reports(out: Sequence[Path]) -> None:
    for path in out:
        try:
            check_form(path)
        except UnknownForm as error:
            raise UsageError(str(error)) from error
        require_writable("--out", path)


def _runs(data_dir: Path, faults: Sequence[Fault], rate: float, retries: int) -> Iterator[DrawnRun]:
    """Each fault's run, in order. A stack serves a few, until one needs other links or has left it broken."""
    done, left = 0, retries
    while done < len(faults):
        links = faults[done].links
        with own_stack(data_dir / "chaos", links, dashboard=False) as bench:
            say("warming up")
            warm_up(bench.layout.root, rate, WARM_UP_SECONDS)
            served, usable = 0, True
            while usable and done < len(faults) and served < FAULTS_PER_STACK and faults[done].links == links:
                fault = faults[done]
                say(f"{done + 1}/{len(faults)} {fault.name}: {fault.story}")
                with noted(data_dir / FILE_NAME, FAULT, fault.name) as outcome:
                    drawn = run_fault(fault, bench, specification(None), rate)
                    found = drawn.run
                    outcome(found.verdict.value)
                served += 1
                said = "; ".join((*found.problems, *found.doubts))
                recovery = "–" if found.recovery_seconds is None else f"{found.recovery_seconds:.1f} s"
                say(f"{fault.name}: {found.verdict.value}, recovery {recovery}{': ' if said else ''}{said}")
                usable = not found.broken and not found.void and not found.differences
                if found.verdict is Verdict.INCONCLUSIVE and left:
                    left -= 1
                    continue
                done, left = done + 1, retries
                yield drawn
