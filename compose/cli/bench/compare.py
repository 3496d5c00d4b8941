"""`adctr bench compare`: is this version of the code worse than an earlier one?"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from compose.cli.bench.output import report_figures
from compose.cli.durations import parse_duration_seconds
from compose.cli.options import FormatOption
from compose.experiment.compared_tree import ComparedTree, base_checkout, head_checkout, require_outside
from compose.experiment.comparison_rounds import PairFile, Rounds, only_comparison
from compose.experiment.tree_runs import RunSettings, measure
from compose.terminal.format import Format
from compose.terminal.progress import say
from slo.bench.host import this_machine
from slo.bench.tree_comparison import FEWEST_ROUNDS, TreeComparison
from slo.checkout import Checkout

DEFAULTS = RunSettings()


def compare(
    context: typer.Context,
    base: Annotated[str, typer.Option(help="The revision of this repository to compare with.")] = "main~1",
    rounds: Annotated[int, typer.Option(min=FEWEST_ROUNDS, help="Runs of each kind and version.")] = 4,
    at_most: Annotated[str, typer.Option(metavar="D", help="Begin no run that would end later than this.")] = "40m",
    events: Annotated[int, typer.Option(min=1, help="Number of events in a drain.")] = DEFAULTS.events,
    rate: Annotated[float, typer.Option(min=1, help="Events per second of a load.")] = DEFAULTS.rate,
    seconds: Annotated[float, typer.Option(min=30, help="Seconds that a load is timed.")] = DEFAULTS.seconds,
    format_: FormatOption = Format.TEXT,
) -> int:
    """Compares this checkout (head) with an earlier revision (base), interleaved on this machine.

    Base gets a Git worktree and an environment of its own in DIR/bench-compare. Either one's own adctr drains a full
    topic and loads a stack: CPU-seconds per million events, time to drain, p99 of events and cache reads at a fixed
    rate. A change is relevant when its whole interval lies beyond 5 %. Measurements are kept: the same command
    goes on where it was interrupted. Exit 0: no relevant change, or better. 1: relevantly worse. 2: no such revision,
    or no checkout. 3: the runs don't tell. 4: a version can't be set up or run.
    """
    began = time.monotonic()
    limit = parse_duration_seconds("--at-most", at_most)
    settings = RunSettings(events=events, rate=rate, seconds=seconds)
    head = head_checkout()
    directory = context.obj.resolve() / "bench-compare"
    if head.dirty:
        say(f"head is {head.commit[:12]} with changes that are not committed ({head.changes})")
    require_outside(head, directory)
    with only_comparison(directory):
        before = _tree("base", base_checkout(head.root, base, directory, say), directory)
        after = _tree("head", head, directory)
        machine = this_machine()
        file = PairFile.of(directory, before, after, settings, machine)
        pairs = Rounds(before, after, settings, file, began + limit, measure, say).run(rounds)
    result = TreeComparison(before.checkout, head, pairs, machine)
    return report_figures(result.as_json(), result.verdict(), format_, result.rows())


def _tree(name: str, checkout: Checkout, directory: Path) -> ComparedTree:
    return ComparedTree(name, checkout, directory / f"{name}-stack", directory / f"{name}.log")
