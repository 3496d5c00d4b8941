"""Files that a command of minutes or hours writes at its end: looked at before it begins."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from compose.process.errors import UsageError
from slo.report.write import UnknownForm, check_form, why_unwritable


def check_files(out: Sequence[Path], save: Path | None) -> None:
    """Whether there is a place for the reports and the recording, and a form for each report. Raises UsageError."""
    for path in out:
        try:
            check_form(path)
        except UnknownForm as error:
            raise UsageError(str(error)) from error
    for option, path in (*(("--out", path) for path in out), *((("--save", save),) if save else ())):
        require_writable(option, path)


def require_writable(option: str, path: Path) -> None:
    """Raises UsageError, naming the option, where no such file could be written."""
    if why := why_unwritable(path):
        raise UsageError(f"{option} {path}: {why}")
