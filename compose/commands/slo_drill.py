"""`adctr slo drill`: sabotage with a known right answer, on a stack of its own."""

from __future__ import annotations

import dataclasses
import json
import shutil
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from compose.cli import Format, FormatOption
from compose.commands.objectives_file import specification
from compose.errors import EnvironmentFailed, UsageError
from compose.exit_codes import ExitCode

if TYPE_CHECKING:
    from compose.commands.load_process import LoadProcess
    from compose.stack.layout import Layout
    from pipeline.settings import Settings
    from slo.check import Watch
    from slo.drills.drill import Drill, DrillResult
    from slo.faults.link import Link
    from slo.spec.model import Specification

SEND_DELAY_LIMIT_SECONDS = 0.25
_SABOTAGE_ENDS_SECONDS = 60.0


def register(group: typer.Typer) -> None:
    """Adds the command to `adctr slo`."""
    group.command("drill")(drill)


def drill(
    context: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(help="Which drills; without any they are listed.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every drill, in order.")] = False,
    format_: FormatOption = Format.TEXT,
) -> int:
    """Spoils a running pipeline on purpose and tells whether the verdict said so, and said nothing else.

    Starts a stack of its own in DIR/drills. Exit 0: every drill was caught. 1: one was not. 2: no such drill.
    """
    from slo.activities import DRILL, FILE_NAME, noted
    from slo.drills.catalogue import DRILLS, find_drill

    try:
        chosen = list(DRILLS) if every else [find_drill(name) for name in names or ()]
    except KeyError as error:
        raise UsageError(error.args[0]) from None
    if not chosen:
        for each in DRILLS:
            print(f"{each.name:<22} {each.story}")
        return ExitCode.PASS
    results = []
    with _bench(context.obj / "drills") as bench:
        for number, each in enumerate(chosen, 1):
            _say(f"{number}/{len(chosen)} {each.name}: {each.story}")
            with noted(context.obj / FILE_NAME, DRILL, each.name) as outcome:
                results.append(run_drill(each, bench, specification(None)))
                outcome("caught" if results[-1].caught else "not caught")
            _say(_line(results[-1]))
    return _report(results, format_)


def _report(results: Sequence[DrillResult], format_: Format) -> ExitCode:
    if format_ is Format.JSON:
        print(json.dumps({"drills": [each.as_json() for each in results]}, indent=2))
    else:
        for each in results:
            print(_line(each))
        print(f"{sum(each.caught for each in results)} of {len(results)} caught")
    return ExitCode.PASS if all(each.caught for each in results) else ExitCode.FAIL


def _line(result: DrillResult) -> str:
    said = "caught" if result.caught else "NOT CAUGHT: " + "; ".join(result.wrong)
    return f"{result.drill.name:<22} {said} ({result.drill.expected})"


class StackBench:
    """A stack whose live job reaches Redis over a link; see `slo.drills.drill.Bench`."""

    def __init__(self, layout: Layout, settings: Settings, redis_link: Link) -> None:
        self.layout = layout
        self._settings = settings
        self._redis_link = redis_link
        self._ahead_seconds = 0.0
        self._watch: Watch | None = None
        self._load: LoadProcess | None = None

    @property
    def settings(self) -> Settings:
        return self._settings

    @property
    def redis_link(self) -> Link:
        return self._redis_link

    def clock(self) -> float:
        """Unix seconds, as far as the check knows."""
        return time.time() + self._ahead_seconds

    def step_clock(self, seconds: float) -> None:
        self._ahead_seconds += seconds

    def begin(self, watch: Watch, load: LoadProcess) -> None:
        """A check has begun."""
        self._watch, self._load = watch, load

    def pids(self, service: str) -> Sequence[int]:
        from compose.stack.supervision import Supervisor

        if service == "load":
            return [] if self._load is None else [self._load.pid]
        supervisor = Supervisor.find(self.layout)
        if supervisor is None:
            raise EnvironmentFailed(f"the stack in {self.layout.root} is gone")
        return [each.pid for each in supervisor.processes() if each.name == service and each.pid]

    def end_probe(self, name: str) -> None:
        if self._watch is not None:
            self._watch.recorder.end_probe(name)

    def end_event_poller(self) -> None:
        if self._watch is not None and self._watch.events is not None:
            self._watch.events.redis.stop()


def run_drill(drill: Drill, bench: StackBench, objectives: Specification) -> DrillResult:
    """One drill on a running stack, which is as before afterwards. Raises EnvironmentFailed, Inconclusive."""
    from compose.commands.checking import run_load_check
    from slo.drills.drill import examine
    from slo.probes.catalogue import probes_of
    from slo.verdict import judge

    stage = _Stage(drill, bench)
    probes = probes_of(bench.settings, with_canaries=False, clock=bench.clock)
    try:
        checked = run_load_check(
            bench.layout.root,
            bench.settings,
            drill.rate,
            drill.seconds,
            SEND_DELAY_LIMIT_SECONDS,
            probes,
            stage.begin,
            bench.clock,
        )
    finally:
        stage.end()
    return examine(drill, judge(scaled(objectives, drill), checked.recording), checked.recording)


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


class _Stage:
    """Does the sabotage in its time, in a thread."""

    def __init__(self, drill: Drill, bench: StackBench) -> None:
        self._drill, self._bench = drill, bench
        self._over = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=f"drill-{drill.name}", daemon=True)

    def begin(self, watch: Watch, load: LoadProcess) -> None:
        self._bench.begin(watch, load)
        self._thread.start()

    def end(self) -> None:
        """The check is judged, or has failed. Raises EnvironmentFailed if the sabotage itself did."""
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join(_SABOTAGE_ENDS_SECONDS)
        if self._error is not None:
            raise EnvironmentFailed(f"drill {self._drill.name}: {self._error}") from self._error

    def _run(self) -> None:
        began = time.monotonic()
        try:
            if self._over.wait(self._drill.begin_seconds):
                return
            with self._drill.sabotage(self._bench):
                end = self._drill.end_seconds
                self._over.wait(None if end is None else max(0.0, began + end - time.monotonic()))
        except BaseException as error:
            self._error = error


@contextmanager
def _bench(directory: Path) -> Iterator[StackBench]:
    """A new stack in a directory that is removed afterwards."""
    from compose.stack.layout import Layout
    from compose.stack.lifecycle import temporary_stack
    from compose.stack.ports import Ports
    from pipeline.settings import ENV_PREFIX
    from slo.faults.link import Link

    layout = Layout.of(directory)
    if layout.record.exists():
        raise UsageError(f"{layout.root} holds another stack: remove that directory")
    ports, spare = Ports.free(), Ports.free()
    link = Link(spare.redis, ports.redis)
    link.start()
    try:
        over_link = {f"{ENV_PREFIX}REDIS_PORT": str(spare.redis)}
        with temporary_stack(
            layout.root, ports, historic=False, say=_say, job_environment=over_link, dashboard=True
        ) as settings:
            yield StackBench(layout, settings, link)
    finally:
        link.stop()
        shutil.rmtree(layout.root, ignore_errors=True)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
