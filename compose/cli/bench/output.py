"""Shared by benchmarks that draw curves: where a report goes, and how rows and progress are printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from compose.cli.check_report import EXIT_CODES
from compose.cli.report_files import require_writable
from compose.cli.shown import Document, report_width, show
from compose.process.errors import UsageError
from compose.terminal.format import Format
from slo.report.benchmark_page import benchmarks_html
from slo.verdict import RunVerdict

OutOption = Annotated[
    Path | None, typer.Option("--out", help="Also write tables and plots here: one .html file that opens in a browser.")
]


def check_out(out: Path | None) -> None:
    """Before minutes of measuring, whether the page can be written. Raises UsageError."""
    if out is None:
        return
    if out.suffix.lower() != ".html":
        raise UsageError(f"--out {out}: must end in .html")
    require_writable("--out", out)


def write_out(out: Path | None, document: Mapping[str, Any]) -> None:
    """Writes the page of one benchmark, if one is wanted."""
    if out is not None:
        out.write_text(benchmarks_html([document]), encoding="utf-8")


def print_rows(rows: Sequence[Sequence[str]]) -> None:
    """A table on stdout; the first row is the heading."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def print_verdict(verdict: RunVerdict) -> None:
    """A benchmark's objectives are its own: they have no entry in the file of objectives, and no budget."""
    table = Table(box=None, pad_edge=False)
    for column in ("objective", "verdict"):
        table.add_column(column)
    for column in ("value", "wanted", "samples"):
        table.add_column(column, justify="right")
    table.add_column("reason")
    for each in verdict.objectives:
        figures = (_figure(each.value, each.unit), _figure(each.objective, each.unit))
        table.add_row(each.name, each.verdict.value, *figures, f"{each.samples:,}", each.reason)
    Console(width=report_width()).print(table)
    print(f"verdict: {verdict.verdict.value}")


def _figure(value: float | None, unit: str) -> str:
    if value is None:
        return "–"
    return f"{value:.3g}" if unit == "ratio" else f"{value:,.0f}"


def report_figures(figures: Document, verdict: RunVerdict, format_: Format, *tables: Sequence[Sequence[str]]) -> int:
    """Prints a benchmark's figures as JSON, or tables of them and the verdict; the exit code."""

    def as_text() -> None:
        for rows in tables:
            print_rows(rows)
        print_verdict(verdict)

    show(figures, format_, as_text)
    return EXIT_CODES[verdict.verdict]
