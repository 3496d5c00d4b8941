"""A comparison of two recordings, for a terminal and for programs."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from rich.table import Table
from rich.text import Text

from slo.compare import Comparison, IndicatorDifference, RunComparison
from slo.report.figures import figure
from slo.report.text import PLAIN_WIDTH, plain

_STYLES = {
    IndicatorDifference.WORSE: "bold red",
    IndicatorDifference.BETTER: "green",
    IndicatorDifference.INCOMPARABLE: "yellow",
    IndicatorDifference.MISSING: "yellow",
}


def comparison_text(compared: RunComparison, width: int = PLAIN_WIDTH) -> str:
    """A table and one last line that says whether B is worse."""
    return plain([comparison_table(compared), _conclusion(compared)], width)


def comparison_table(compared: RunComparison) -> Table:
    """One line per figure: A, B, and what is said of them."""
    shown = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    shown.add_column("indicator", overflow="fold")
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
