"""The objectives while a check runs: a table on a terminal, a line of progress elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from slo.probes.recorder import Recorder
from slo.report.text import table
from slo.spec.model import Kind, Specification
from slo.verdict import judge_run

LOOK_BACK_SECONDS = 120.0
REDRAW_SECONDS = 2.0
"""Judging takes some milliseconds of the interpreter in which the probes look."""

Show = Callable[[str], None]


@contextmanager
def live_table(
    specification: Specification | None, recorder: Recorder, console: Console, progress: Show
) -> Iterator[Show]:
    """What takes a line of progress: drawn above the table where there is a terminal and a specification.

    The table is that of the last two minutes, and goes at the end. Counts are compared only when the load has ended.
    """
    if specification is None or not console.is_terminal:
        yield progress
        return
    shown = specification.only([each.name for each in specification.objectives if each.kind is not Kind.CORRECTNESS])
    drawn = -REDRAW_SECONDS
    with Live(console=console, auto_refresh=False, transient=True, vertical_overflow="crop") as live:

        def show(line: str) -> None:
            nonlocal drawn
            if time.monotonic() - drawn < REDRAW_SECONDS:
                return
            drawn = time.monotonic()
            verdict = judge_run(shown, recorder.recording().last(LOOK_BACK_SECONDS))
            live.update(Group(Text(line, overflow="ellipsis", no_wrap=True), table(shown, verdict)), refresh=True)

        yield show
