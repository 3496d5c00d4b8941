"""Reports the outcome of faults: a table for a terminal, JSON for programs, one HTML file for a browser."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from slo.faults.fault import STORES, FaultResult, FaultRun
from slo.report.figures import NOTHING
from slo.report.html import templates
from slo.report.plots import Plot
from slo.report.text import PLAIN_WIDTH, STYLES, plain
from slo.report.write import require_form
from slo.verdict.result import Verdict, overall

Plots = Mapping[str, Sequence[Sequence[Plot]]]
"""By the fault's name: the plots of each of its runs."""


def to_text(results: Sequence[FaultResult], rate: float, width: int = PLAIN_WIDTH) -> str:
    """Plain text: the table, the reasons of each fault that did not pass, the sum."""
    reasons = [
        Text.assemble((each.fault.name, STYLES[each.verdict]), f": {'; '.join(each.reasons)}")
        for each in results
        if each.reasons
    ]
    passed = sum(each.verdict is Verdict.PASS for each in results)
    return plain([_table(results), *reasons, f"{passed} of {len(results)} passed, at {rate:,.0f} events/s"], width)


def _table(results: Sequence[FaultResult]) -> Table:
    shown = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    shown.add_column("fault", overflow="fold")
    shown.add_column("verdict", no_wrap=True)
    shown.add_column("counts", no_wrap=True)
    shown.add_column("recovery", justify="right", no_wrap=True)
    shown.add_column("limit", justify="right", no_wrap=True)
    shown.add_column("in", no_wrap=True)
    for each in results:
        shown.add_row(
            each.fault.name,
            Text(each.verdict.value, STYLES[each.verdict]),
            counts(each),
            seconds(each.recovery_seconds),
            seconds(each.fault.limit_seconds),
            STORES[each.fault.recovers],
        )
    return shown


def to_json(results: Sequence[FaultResult], rate: float) -> dict[str, Any]:
    """``faults``, each with ``name``, ``exact``, ``recovery_seconds`` and more; ``verdict`` of all of them."""
    return {"verdict": _overall(results).value, "rate": rate, "faults": [each.as_json() for each in results]}


def to_html(results: Sequence[FaultResult], rate: float, plots: Plots) -> str:
    """The table, and of every run both stores' latencies over time. Everything from outside is escaped."""
    return (
        templates()
        .get_template("faults.html.j2")
        .render(
            results=results,
            plots=plots,
            rate=rate,
            verdict=_overall(results).value,
            stores=STORES,
            counts=counts,
            seconds=seconds,
            kept=kept,
            reads=reads,
        )
    )


FORMS: Mapping[str, Callable[[Sequence[FaultResult], float, Plots], str]] = {
    ".html": to_html,
    ".json": lambda results, rate, _plots: json.dumps(to_json(results, rate), indent=2) + "\n",
    ".txt": lambda results, rate, _plots: to_text(results, rate),
}


def check_form(path: Path) -> None:
    """Raises UnknownForm; to be called before a run of minutes begins."""
    require_form(path, FORMS)


def write_report(path: Path, results: Sequence[FaultResult], rate: float, plots: Plots) -> None:
    """Writes the report, by its suffix. Raises UnknownForm, OSError."""
    check_form(path)
    path.write_text(FORMS[path.suffix.lower()](results, rate, plots), encoding="utf-8")


def counts(result: FaultResult) -> str:
    """``exact``, or how many differences all runs together have."""
    differences = sum(run.differences for run in result.runs)
    if differences:
        return f"{differences:,} differ"
    return "exact" if result.exact else NOTHING


def seconds(value: float | None) -> str:
    """``3.4 s``."""
    return NOTHING if value is None else f"{value:.1f} s"


def kept(result: FaultResult) -> str:
    """Each objective that had to be kept, and what was said of it in each run."""
    found = {each.name: [] for run in result.runs for each in run.kept}  # type: dict[str, list[str]]
    for run in result.runs:
        for each in run.kept:
            found[each.name].append(each.verdict.value)
    return "; ".join(f"{name}: {', '.join(said)}" for name, said in found.items())


def reads(run: FaultRun) -> str:
    """``redis 310, postgres 12``."""
    return ", ".join(f"{name} {number:,}" for name, number in run.reads.items()) or NOTHING


def _overall(results: Sequence[FaultResult]) -> Verdict:
    return overall(each.verdict for each in results)
