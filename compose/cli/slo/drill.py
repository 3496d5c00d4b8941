"""`adctr slo drill`: sabotage with a known right answer, on a stack of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from compose.cli.check_report import first_differences
from compose.cli.objectives_file import specification
from compose.cli.options import FormatOption, RetriesOption
from compose.cli.shown import show
from compose.experiment.disturbed_stack import own_stack
from compose.experiment.drill_run import run_drill
from compose.experiment.load_check import warm_up
from compose.process.errors import EnvironmentFailed, UsageError
from compose.process.exit_codes import ExitCode
from compose.terminal.format import Format
from compose.terminal.progress import say
from slo.annotations import DRILL, FILE_NAME, noted
from slo.drills.catalogue import DRILLS, find_drill
from slo.drills.drill import Drill, DrillResult

WARM_UP_RATE = 5000.0
WARM_UP_SECONDS = 20.0
"""Events per second, and for how long, before the first drill: a JVM that has just started is late by itself."""


def drill(
    context: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(help="Drills to run; without names they are listed.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every drill, in order.")] = False,
    retries: RetriesOption = 0,
    format_: FormatOption = Format.TEXT,
) -> int:
    """Sabotages a running pipeline in known ways and checks that the verdict reports exactly that.

    Starts a stack of its own in DIR/drills. Exit 0: every drill was caught. 1: one was not. 2: no such drill. 3:
    inconclusive, for example because the generator was late. 4: the stack can't start or is down.
    """
    try:
        chosen = list(DRILLS) if every else [find_drill(name) for name in names or ()]
    except KeyError as error:
        raise UsageError(error.args[0]) from None
    if not chosen:
        _list(format_)
        return ExitCode.PASS
    results: list[DrillResult] = []
    gone: EnvironmentFailed | None = None
    try:
        results.extend(_runs(context.obj, chosen, retries))
    except EnvironmentFailed as error:
        gone = error  # a drill that was missed before stays missed
    code = _report(results, format_)
    if gone is not None and code is not ExitCode.FAIL:
        raise gone
    return code


def _list(format_: Format) -> None:
    if format_ is Format.JSON:
        print(json.dumps({"drills": [{"name": each.name, "story": each.story} for each in DRILLS]}, indent=2))
        return
    for each in DRILLS:
        print(f"{each.name:<22} {each.story}")


def _runs(data_dir: Path, drills: Sequence[Drill], retries: int) -> Iterator[DrillResult]:
    """Each drill's result, in order, all on one stack."""
    with own_stack(data_dir / "drills", links=("redis",), dashboard=True) as bench:
        say("warming up")
        warm_up(bench.layout.root, WARM_UP_RATE, WARM_UP_SECONDS)
        for number, each in enumerate(drills, 1):
            say(f"{number}/{len(drills)} {each.name}: {each.story}")
            for left in reversed(range(retries + 1)):
                with noted(data_dir / FILE_NAME, DRILL, each.name) as outcome:
                    found, counted = run_drill(each, bench, specification(None))
                    outcome(_outcome(found))
                for line in first_differences(counted) if counted else ():
                    say(line)
                say(_line(found))
                if not found.inconclusive or not left:
                    break
                say("once more")
            yield found


def _report(results: Sequence[DrillResult], format_: Format) -> ExitCode:
    def as_text() -> None:
        for each in results:
            print(_line(each))
        print(f"{sum(each.caught for each in results)} of {len(results)} caught")

    show({"drills": [each.as_json() for each in results]}, format_, as_text)
    if any(each.wrong for each in results):
        return ExitCode.FAIL
    return ExitCode.PASS if all(each.caught for each in results) else ExitCode.INCONCLUSIVE


def _outcome(result: DrillResult) -> str:
    return "caught" if result.caught else "inconclusive" if result.inconclusive else "not caught"


def _line(result: DrillResult) -> str:
    outcome = _outcome(result)
    if not result.caught:
        outcome = f"{outcome.upper()}: {'; '.join((*result.wrong, *result.doubts))}"
    return f"{result.drill.name:<22} {outcome} ({result.drill.expected})"
