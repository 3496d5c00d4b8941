"""`adctr bench report`: benchmarks' JSON as one page."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from compose.process.errors import UsageError
from slo.report.benchmark_page import benchmarks_html, benchmarks_markdown
from slo.report.benchmarks import UnknownBenchmark


class PageFormat(StrEnum):
    """The medium of the report."""

    MARKDOWN = "markdown"
    HTML = "html"


def report(
    files: Annotated[list[Path], typer.Argument(help="JSON of `bench capacity`, `cost`, `cache-reads` or `peers`.")],
    format_: Annotated[
        PageFormat, typer.Option("--format", help="Markdown for the docs, HTML with the curves for a browser.")
    ] = PageFormat.MARKDOWN,
) -> None:
    """Prints tables, machine, spread and exclusions; several files of one benchmark are shown together."""
    documents = [_document(path) for path in files]
    render = benchmarks_html if format_ is PageFormat.HTML else benchmarks_markdown
    try:
        print(render(documents), end="")
    except UnknownBenchmark as error:
        raise UsageError(str(error)) from error
    except (KeyError, TypeError, IndexError) as error:
        raise UsageError(f"a file is not what this version prints: {type(error).__name__} {error}") from error


def _document(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: {error}") from error
    if not isinstance(document, dict):
        raise UsageError(f"{path}: is not the JSON of a benchmark")
    return document
