"""The option `--retries`, for checks of which the machine, not the pipeline, may have kept the answer."""

from __future__ import annotations

from typing import Annotated

import typer

RetriesOption = Annotated[
    int, typer.Option(help="How often each that came out inconclusive is run again. A failure never is.", min=0)
]
