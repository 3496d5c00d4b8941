"""Writes a report in the form that the file's name asks for."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from slo.recording import Recording
from slo.report.html import to_html
from slo.report.junit import to_junit
from slo.report.machine_readable import to_json
from slo.report.markdown import to_markdown
from slo.report.text import to_text
from slo.spec.model import Specification
from slo.verdict.result import RunVerdict


class UnknownForm(ValueError):
    """No form of report has this suffix; the message names those that there are."""


def _json(specification: Specification, recording: Recording, verdict: RunVerdict) -> str:
    return json.dumps(to_json(specification, recording, verdict), indent=2) + "\n"


FORMS: Mapping[str, Callable[[Specification, Recording, RunVerdict], str]] = {
    ".html": to_html,
    ".json": _json,
    ".md": to_markdown,
    ".txt": to_text,
    ".xml": to_junit,
}


def check_form(path: Path) -> None:
    """Raises UnknownForm; to be called before a check of minutes begins."""
    require_form(path, FORMS)


def require_form(path: Path, forms: Collection[str]) -> None:
    """Raises UnknownForm where the file's suffix is none of ``forms``."""
    if path.suffix.lower() not in forms:
        raise UnknownForm(f"{path}: must end in one of {', '.join(forms)}{' (.xml is JUnit)' * ('.xml' in forms)}")


def why_unwritable(path: Path) -> str:
    """Why no such file could be written, and what to do; empty where it could. Leaves no file behind."""
    if not path.parent.is_dir():
        return f"there is no directory {path.parent}; make it first"
    is_there = path.exists()
    try:
        # Permissions don't tell: a file system may be read-only, or no place for files at all.
        with path.open("ab"):
            pass
    except OSError as error:
        return f"cannot be written ({error.strerror}); name another file"
    if not is_there:
        path.unlink()
    return ""


def write_report(path: Path, specification: Specification, recording: Recording, verdict: RunVerdict) -> None:
    """Writes the report, by its suffix. Raises UnknownForm, OSError."""
    check_form(path)
    path.write_text(FORMS[path.suffix.lower()](specification, recording, verdict), encoding="utf-8")
