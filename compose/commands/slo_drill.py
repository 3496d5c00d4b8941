"""`adctr slo drill`: sabotage with a known right answer, on a stack of its own."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from compose.cli import Format, FormatOption
from compose.commands.objectives_file import specification
from compose.commands.retries import RetriesOption
from compose.errors import EnvironmentFailed, Inconclusive, UsageError
from compose.exit_codes import ExitCode

if TYPE_CHECKING:
    from compose.commands.load_process import LoadProcess
    from compose.commands.stack_bench import StackBench
    from slo.check import Watch
    from slo.drills.drill import Drill, DrillResult
    from slo.spec.model import Specification


WARM_UP_RATE = 5000.0
WARM_UP_SECONDS = 20.0
"""Events per second, and for how long, before the first drill: a JVM that has just started is late by itself."""


def register(group: typer.Typer) -> None:
    """Adds the command to `adctr slo`."""
    group.command("drill")(drill)


def drill(
    context: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(help="Which drills; without any they are listed.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every drill, in order.")] = False,
    retries: RetriesOption = 0,
    format_: FormatOption = Format.TEXT,
) -> int:
    """Spoils a running pipeline on purpose and tells whether the verdict said so, and said nothing else.

    Starts a stack of its own in DIR/drills. Exit 0: every drill was caught. 1: one was not. 2: no such drill. 3: the
    machine did not let it tell, as with a generator that is late itself. 4: the stack can't start or is gone.
    """
    from slo.drills.catalogue import DRILLS, find_drill

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
        gone = error  # a drill that was not caught before it is one all the same
    code = _report(results, format_)
    if gone is not None and code is not ExitCode.FAIL:
        raise gone
    return code


def _list(format_: Format) -> None:
    from slo.drills.catalogue import DRILLS

    if format_ is Format.JSON:
        print(json.dumps({"drills": [{"name": each.name, "story": each.story} for each in DRILLS]}, indent=2))
        return
    for each in DRILLS:
        print(f"{each.name:<22} {each.story}")


def _runs(data_dir: Path, drills: Sequence[Drill], retries: int) -> Iterator[DrillResult]:
    """Each drill's result, in order, all on one stack."""
    from compose.commands.checking import warm_up
    from compose.commands.stack_bench import own_stack, say
    from slo.activities import DRILL, FILE_NAME, noted

    with own_stack(data_dir / "drills", links=("redis",), dashboard=True) as bench:
        say("warming up")
        warm_up(bench.layout.root, WARM_UP_RATE, WARM_UP_SECONDS)
        for number, each in enumerate(drills, 1):
            say(f"{number}/{len(drills)} {each.name}: {each.story}")
            for left in reversed(range(retries + 1)):
                with noted(data_dir / FILE_NAME, DRILL, each.name) as outcome:
                    found = run_drill(each, bench, specification(None))
                    outcome(_outcome(found))
                say(_line(found))
                if not found.inconclusive or not left:
                    break
                say("once more")
            yield found


def _report(results: Sequence[DrillResult], format_: Format) -> ExitCode:
    if format_ is Format.JSON:
        print(json.dumps({"drills": [each.as_json() for each in results]}, indent=2))
    else:
        for each in results:
            print(_line(each))
        print(f"{sum(each.caught for each in results)} of {len(results)} caught")
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


def run_drill(drill: Drill, bench: StackBench, objectives: Specification) -> DrillResult:
    """One drill on a running stack, which is as before afterwards. Raises EnvironmentFailed."""
    from compose.commands.checking import first_differences, run_load_check
    from compose.commands.stack_bench import Disturbance, say
    from slo.drills.drill import DrillResult, examine
    from slo.probes.catalogue import probes_of
    from slo.verdict import judge_run

    sabotage = Disturbance(f"drill {drill.name}", lambda: drill.sabotage(bench), drill.begin_seconds, drill.end_seconds)

    def begin(watch: Watch, load: LoadProcess) -> None:
        bench.begin(watch, load)
        sabotage.begin()

    probes = probes_of(bench.settings, with_canaries=False, clock=bench.clock)
    try:
        checked = run_load_check(
            bench.layout.root,
            bench.settings,
            drill.rate,
            drill.seconds,
            probes,
            begin,
            bench.clock,
        )
    except Inconclusive as error:
        return DrillResult(drill, None, doubts=[str(error)])
    finally:
        sabotage.end()
    if checked.report is not None:
        for line in first_differences(checked.report):
            say(line)
    return examine(drill, judge_run(scaled(objectives, drill), checked.recording), checked.recording)


def scaled(objectives: Specification, drill: Drill) -> Specification:
    """The objectives with the drill's changes."""
    changed = []
    for each in objectives.objectives:
        for field, value in drill.changes.get(each.name, {}).items():
            if field.startswith("minimum."):
                minimum = dataclasses.replace(each.minimum, **{field.removeprefix("minimum."): value})  # type: ignore[arg-type]
                each = dataclasses.replace(each, minimum=minimum)  # noqa: PLW2901
            else:
                each = dataclasses.replace(each, **{field: value})  # type: ignore[arg-type]  # noqa: PLW2901
        changed.append(each)
    return dataclasses.replace(objectives, objectives=changed)
