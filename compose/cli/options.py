"""Options that several command groups have."""

from __future__ import annotations

from typing import Annotated

import typer

from compose.terminal.format import Format

FormatOption = Annotated[Format, typer.Option("--format", help="How to print the report.")]
RetriesOption = Annotated[int, typer.Option(help="How often to repeat an inconclusive run; a failure is final.", min=0)]
