"""What the chart marks, in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dashboards.business.view.formats import Formats
from pipeline.store.history import History, Mark, MarkKind

_STORES = {"redis": "live cache (Redis)", "postgres": "database (PostgreSQL)"}


@dataclass(frozen=True)
class ChartMark:
    """``begin_seconds`` and ``end_seconds`` lie within the chart; equal for a moment."""

    kind: MarkKind
    label: str
    text: str
    begin_seconds: float
    end_seconds: float


def chart_marks(history: History | None, first: float, end: float, now: float, formats: Formats) -> list[ChartMark]:
    """The marks that reach into the chart from ``first`` to ``end`` (unix seconds), oldest first."""
    marks: Iterable[Mark] = history.marks if history is not None else ()
    found = []
    for each in marks:
        until = (now if each.kind is MarkKind.OUTAGE else each.begin_seconds) if each.end_seconds is None else (
            each.end_seconds
        )  # fmt: skip
        if until < first or each.begin_seconds >= end:
            continue
        label = _label(each)
        text = f"{label}: {_details(each, until, formats)}"
        found.append(ChartMark(each.kind, label, text, max(first, each.begin_seconds), min(end, until)))
    return found


def _label(mark: Mark) -> str:
    match mark.kind:
        case MarkKind.OUTAGE:
            return f"The {_STORES.get(mark.subject, mark.subject)} did not answer"
        case MarkKind.JOB_START:
            return f"Job {mark.subject} started"
        case MarkKind.JOB_RESTART:
            return f"Job {mark.subject} restarted"
        case MarkKind.RECOUNT:
            return "Windows recounted"
        case MarkKind.REPLAY:
            return "Dead letters replayed"


def _details(mark: Mark, until: float, formats: Formats) -> str:
    begin = formats.time(mark.begin_seconds)
    took = formats.seconds(max(0.0, until - mark.begin_seconds))
    match mark.kind:
        case MarkKind.OUTAGE:
            return f"{begin}, for {took}" if mark.end_seconds is not None else f"since {begin}"
        case MarkKind.JOB_START | MarkKind.JOB_RESTART:
            return f"{begin}, running after {took}" if mark.end_seconds is not None else begin
    done = "" if mark.done_seconds is None else f", at {formats.time(mark.done_seconds)}"
    of = f"{formats.number(mark.events)} of " if mark.kind is MarkKind.REPLAY else ""
    return f"{of}{begin} to {formats.time(until)}{done}"
