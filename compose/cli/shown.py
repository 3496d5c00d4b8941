"""How verdicts and benchmarks are shown. The same document goes to `--history`, whatever form was asked for."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from compose.terminal.format import Format

Document = Mapping[str, Any]
_NOTED: ContextVar[list[Document] | None] = ContextVar("noted", default=None)


def show(document: Document, format_: Format, as_text: Callable[[], None]) -> None:
    """Prints a verdict or a benchmark: the document as JSON, or what ``as_text`` prints."""
    note(document)
    if format_ is Format.JSON:
        print(json.dumps(document, indent=2))
    else:
        as_text()


def note(document: Document) -> None:
    """For what is printed in yet another form."""
    noted = _NOTED.get()
    if noted is not None:
        noted.append(document)


@contextmanager
def noting() -> Iterator[list[Document]]:
    """The documents that are shown within the block, in order."""
    noted: list[Document] = []
    token = _NOTED.set(noted)
    try:
        yield noted
    finally:
        _NOTED.reset(token)


def report_width() -> int:
    """Columns of a report on stdout: the terminal's; for a file or a pipe enough to keep every name whole."""
    from slo.report.text import PLAIN_WIDTH

    return shutil.get_terminal_size().columns if sys.stdout.isatty() else PLAIN_WIDTH
