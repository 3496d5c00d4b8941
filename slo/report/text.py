"""The verdict as a table of plain text."""

from __future__ import annotations

import math
from collections.abc import Iterable
from io import StringIO

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from slo.recording import Recording
from slo.report.figures import beyond_the_run, budget, found, pairs, wanted
from slo.spec.model import Specification
from slo.verdict.result import RunVerdict, Scope, Verdict
from slo.verdict.run import seconds_to_judge

PLAIN_WIDTH = 160
"""Columns where no terminal sets the width: enough for every name on one line."""
STYLES = {
    Verdict.PASS: "green",
    Verdict.FAIL: "bold red",
    Verdict.INCONCLUSIVE: "yellow",
    Verdict.NOT_JUDGED: "dim",
}


def to_text(specification: Specification, recording: Recording, verdict: RunVerdict, width: int = PLAIN_WIDTH) -> str:
    """Plain text: the table, the reasons, what to do, how long a check has to be, the verdict."""
    conclusion = f"verdict: {verdict.words}   ({recording.seconds:,.0f} s watched)"
    needed = seconds_to_judge(specification, verdict, recording.seconds)
    if needed is not None:
        conclusion = f"too short to judge everything: `adctr slo check --for {_option(needed)}` can\n{conclusion}"
    return rendered(specification, verdict, conclusion, width)


def _option(seconds: float) -> str:
    return f"{math.ceil(seconds)}s" if seconds < 120 else f"{math.ceil(seconds / 60)}m"


def rendered(specification: Specification, verdict: RunVerdict, conclusion: str, width: int = PLAIN_WIDTH) -> str:
    """The same without a recording, and with a last line of one's own."""
    lines = explanations(specification, verdict)
    return plain([table(specification, verdict), *lines, Text(conclusion)], width)


def plain(parts: Iterable[RenderableType], width: int = PLAIN_WIDTH) -> str:
    """Tables and texts below each other, without colours."""
    output = StringIO()
    console = Console(file=output, width=width, color_system=None)
    for part in parts:
        console.print(part)
    return output.getvalue()


def table(specification: Specification, verdict: RunVerdict) -> Table:
    """One objective in two lines: the figure above its interval, the samples above the share of the budget spent."""
    shown = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    shown.add_column("objective", overflow="fold")
    shown.add_column("verdict", no_wrap=True)
    shown.add_column("figure", justify="right")
    shown.add_column("wanted", no_wrap=True)
    shown.add_column("samples", justify="right", no_wrap=True)
    shown.add_column("budget", justify="right", no_wrap=True)
    for objective, result in pairs(specification, verdict):
        shown.add_row(
            result.name,
            Text(result.verdict.value, STYLES[result.verdict]),
            Text("\n".join(found(result))),
            wanted(objective, result),
            f"{result.samples:,}",
            budget(result),
        )
    return shown


def explanations(specification: Specification, verdict: RunVerdict) -> list[Text]:
    """Why each objective that did not pass did not; of a breach, also what to do.

    Of a pass in this run also what the run shows beyond itself.
    """
    lines = []
    for objective, result in pairs(specification, verdict):
        beyond = beyond_the_run(result) if verdict.scope is Scope.RUN else ""
        if beyond:
            lines.append(Text(f"{result.name}: {beyond}", "dim"))
        if result.verdict is Verdict.PASS or not result.reason:
            continue
        lines.append(Text.assemble((result.name, STYLES[result.verdict]), f": {result.reason}"))
        if result.verdict is Verdict.FAIL:
            lines.append(Text(f"  → {objective.when_broken} ({objective.runbook})"))
    return lines
