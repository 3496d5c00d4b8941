"""The option `--spec`, and the objectives of the file that it names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from compose.process.errors import UsageError

if TYPE_CHECKING:
    from slo.spec.model import Specification

SpecOption = Annotated[
    Path | None, typer.Option("--spec", help="File of objectives; default: slo/objectives.yaml of this installation.")
]


def specification(path: Path | None) -> Specification:
    """The objectives of a file, None: the bundled ones. Raises UsageError with every mistake in it."""
    from slo.spec.errors import SpecificationError
    from slo.spec.parse import load, load_bundled

    try:
        return load_bundled() if path is None else load(path)
    except SpecificationError as error:
        number = len(error.problems)
        heading = f"{error.file}: {number} mistake{'s' if number > 1 else ''}, docs/objectives.md describes the format"
        raise UsageError(f"{heading}\n{error}") from error
