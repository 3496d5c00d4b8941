"""`adctr slo`: objectives, and what follows from them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from compose.cli.objectives_file import SpecOption, specification
from compose.cli.report_files import require_writable
from slo.rules.rule_file import rule_file


def rules(
    spec: SpecOption = None,
    out: Annotated[Path | None, typer.Option("--out", help="File to write; default: standard output.")] = None,
    docs_url: Annotated[
        str, typer.Option(help="Address of docs/ for your on-call; runbook links begin with it.")
    ] = "docs",
) -> None:
    """Prints Prometheus rules of the objectives: error ratios, burn-rate and limit alerts, each with its runbook.

    Exit 0: written. 2: the file of objectives has mistakes, all of which are printed.
    """
    text = rule_file(specification(spec), docs_url)
    if out is None:
        sys.stdout.write(text)
        return
    require_writable("--out", out)
    out.write_text(text, encoding="utf-8")
    print(f"{out}: {text.count('- alert:')} alerts, {text.count('- record:')} recorded", file=sys.stderr)
