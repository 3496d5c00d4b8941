"""A comparison of two recordings, for a terminal and for programs."""

from __future__ import annotations

import math
from dataclasses import asdict
from io import StringIO
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from slo.compare import Comparison, Difference, RunComparison
from slo.report.figures import figure
from slo.report.text import WIDTH

_STYLES = {
    Difference.WORSE: "bold red",
    Difference.BETTER: "green",
    Difference.INCOMPARABLE: "yellow",
    Difference.MISSING: "yellow",
}


def comparison_text(compared: RunComparison) -> str:
    """A table of 80 columns and one last line that says whether B is worse."""
    console = Console(file=StringIO(), width=WIDTH, color_system=None)
    console.print(comparison_table(compared))
    console.print(_conclusion(compared))
    output = console.file
    assert isinstance(output, StringIO)
    return output.getvalue()


def comparison_table(compared: RunComparison) -> Table:
    """One line per figure: A, B, and what is said of them."""
    shown = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    shown.add_column("indicator", overflow="fold", max_width=29)
    shown.add_column("", no_wrap=True)
    shown.add_column("A", justify="right", no_wrap=True)
    shown.add_column("B", justify="right", no_wrap=True)
    shown.add_column("B held against A")
    for each in compared.comparisons:
        shown.add_row(each.name, each.figure, *_ends(each), Text(each.text, _STYLES.get(each.difference, "")))
    return shown


def _ends(compared: Comparison) -> tuple[str, str]:
    if compared.ratio is None:
        return "", ""
    return figure(compared.ratio.a, compared.unit), figure(compared.ratio.b, compared.unit)


def _conclusion(compared: RunComparison) -> str:
    if compared.worse:
        return "B is worse than A"
    if compared.missing_in_b:
        return "inconclusive: B has not all that A has"
    return "B is not shown to be worse than A" if compared.anything_compared else "nothing could be compared"


def comparison_json(compared: RunComparison) -> dict[str, Any]:
    """``worse`` and one entry per figure. A ratio to something that never came is null."""
    return {"worse": compared.worse, "comparisons": [_entry(each) for each in compared.comparisons]}


def _entry(compared: Comparison) -> dict[str, Any]:
    entry = asdict(compared)
    if compared.ratio is not None:
        entry["ratio"] = {
            key: None if value is None or not math.isfinite(value) else value for key, value in entry["ratio"].items()
        }
    return entry
