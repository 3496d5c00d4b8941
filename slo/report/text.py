"""The verdict as a table for a terminal of 80 columns."""

from __future__ import annotations

from io import StringIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from slo.recording import Recording
from slo.report.figures import beyond_the_run, budget, found, pairs, wanted
from slo.spec.model import Specification
from slo.verdict.result import RunVerdict, Scope, Verdict

WIDTH = 80
STYLES = {
    Verdict.PASS: "green",
    Verdict.FAIL: "bold red",
    Verdict.INCONCLUSIVE: "yellow",
    Verdict.NOT_JUDGED: "dim",
}


def to_text(specification: Specification, recording: Recording, verdict: RunVerdict) -> str:
    """Plain text, 80 columns: the table, the reasons, what to do, the verdict."""
    return rendered(specification, verdict, f"verdict: {verdict.words}   ({recording.seconds:,.0f} s watched)")


def rendered(specification: Specification, verdict: RunVerdict, conclusion: str) -> str:
    """The same without a recording, and with a last line of one's own."""
    console = Console(file=StringIO(), width=WIDTH, color_system=None)
    console.print(table(specification, verdict))
    for line in explanations(specification, verdict):
        console.print(line)
    console.print(conclusion, highlight=False)
    output = console.file
    assert isinstance(output, StringIO)
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
