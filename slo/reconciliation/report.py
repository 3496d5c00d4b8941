"""The result of a reconciliation, and how it is shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from pipeline.contract.cache_schema import Counts
from pipeline.shared.terminal_safe import printable
from slo.reconciliation.compare import Difference, Differences
from slo.reconciliation.ledger_check import LedgerFindings
from slo.reconciliation.stores import window_name

MOST_PRINTED = 100


@dataclass(frozen=True)
class Unverifiable:
    """Something that could not be compared, and why. ``windows`` are starts in seconds."""

    store: str
    reason: str
    window_seconds: int | None = None
    windows: tuple[int, ...] = ()
    cells: int = 0
    records: int = 0


@dataclass
class Report:
    """Everything that `adctr verify` says. The counts of records are the topic's, by the fold."""

    records: int = 0
    counted: int = 0
    dead_lettered: int = 0
    late: int = 0
    tombstones: int = 0
    duplicates: int = 0
    replayed: int = 0
    """Repaired dead letters that were replayed."""
    recounted: int = 0
    """Windows, of both sizes, whose recounted values hold."""
    awaiting_recount: int = 0
    """Replayed events that some window of theirs doesn't show yet."""
    lost: dict[str, int] = field(default_factory=dict)
    """By job: records that the topic lost before the job had read them, and that were accepted as lost."""
    found: Differences = field(default_factory=Differences)
    unverifiable: list[Unverifiable] = field(default_factory=list)
    verified: dict[str, int] = field(default_factory=dict)
    """Per store: how many windows, of marts how many hours, or else how many origins, could be compared as a whole."""
    reasons: dict[str, int] = field(default_factory=dict)
    """Why records are invalid, and how many."""
    ledgers: list[LedgerFindings] = field(default_factory=list)

    def withdraw(self, cells: Iterable[Difference]) -> None:
        """Windows of which some cell can't be told after all count as verified no longer."""
        for store, _, _ in {(each.store, each.window_seconds, each.window_start_seconds) for each in cells}:
            self.verified[store] -= 1

    @property
    def anything_verified(self) -> bool:
        """Whether there was something to compare: an empty topic proves nothing."""
        return self.records > 0 and any(self.verified.values())

    @property
    def exact(self) -> bool:
        """No difference, and something was compared."""
        return self.found.total == 0 and self.anything_verified


def to_json(report: Report) -> dict[str, Any]:
    """The promised keys (records … exact), and more."""
    return {
        "records": report.records,
        "counted": report.counted,
        "dead_lettered": report.dead_lettered,
        "late": report.late,
        "tombstones": report.tombstones,
        "duplicates": report.duplicates,
        "replayed": report.replayed,
        "recounted": report.recounted,
        "awaiting_recount": report.awaiting_recount,
        "lost": sum(report.lost.values()),
        "lost_by_job": report.lost,
        "differences": [_difference_json(difference) for difference in report.found.listed],
        "differences_total": report.found.total,
        "exact": report.exact,
        "verified": report.verified,
        "unverifiable": [_unverifiable_json(entry) for entry in report.unverifiable],
        "invalid_reasons": report.reasons,
        "ledgers": [_ledger_json(findings) for findings in report.ledgers],
    }


def undrained_json(reason: str) -> dict[str, Any]:
    """The promised keys where nothing was compared: no number is known, and ``reason`` says why."""
    unknown = dict.fromkeys(("records", "counted", "dead_lettered", "late", "tombstones", "duplicates"))
    return {**unknown, "differences": [], "exact": False, "reason": reason}


def _difference_json(difference: Difference) -> dict[str, Any]:
    values = {key: value for key, value in asdict(difference).items() if value is not None}
    start = values.pop("window_start_seconds", None)
    if start is not None:
        values["window_start"] = window_name(start)
    return values


def _unverifiable_json(entry: Unverifiable) -> dict[str, Any]:
    values = {key: value for key, value in asdict(entry).items() if value}
    if entry.windows:
        values["windows"] = [window_name(start) for start in entry.windows]
    return values


def _ledger_json(findings: LedgerFindings) -> dict[str, Any]:
    values = asdict(findings) | {"differences": findings.differences.total}
    return {key: int(value) if isinstance(value, int) else value for key, value in values.items()}


def to_text(report: Report) -> str:
    """The report for a terminal; at most ``MOST_PRINTED`` differences, window by window."""
    return "\n".join(_lines(report))


def _lines(report: Report) -> Iterator[str]:
    yield f"records on the topic  {report.records:>12,}"
    for name in ("counted", "dead_lettered", "late", "tombstones"):
        yield f"  {name.replace('_', ' '):<20}{getattr(report, name):>12,}"
    yield f"repeated event ids    {report.duplicates:>12,}"
    if report.replayed or report.recounted:
        waiting = f", {report.awaiting_recount:,} not yet in their windows" if report.awaiting_recount else ""
        yield f"replayed letters      {report.replayed:>12,}{waiting}"
        yield f"recounted windows     {report.recounted:>12,}"
    for job, number in report.lost.items():
        yield f"lost before job {job} read them {number:>7,}"
    for store, number in report.verified.items():
        yield f"compared {store:<26}{number:>9,}"
    for run in report.ledgers:
        yield (
            f"ledger {printable(run.run_id)}: {run.sent:,} sent, {run.acknowledged:,} acknowledged, "
            f"{run.failed:,} failed, {run.on_topic:,} valid on the topic, {run.differences.total:,} differences"
        )
    for entry in report.unverifiable:
        yield _unverifiable_line(entry)
    yield from _difference_lines(report.found)
    if report.exact:
        yield "exact: every record stands where it should"
    elif report.found.total:
        yield f"NOT exact: {report.found.total:,} differences"
    else:
        why = "every window may have changed or expired" if report.records else "there are no records to compare"
        yield f"nothing could be verified: {why}"


def _unverifiable_line(entry: Unverifiable) -> str:
    what = []
    if entry.windows:
        span = window_name(entry.windows[0])
        if len(entry.windows) > 1:
            span += f" to {window_name(entry.windows[-1])}"
        what.append(f"{len(entry.windows):,} windows of {entry.window_seconds} s ({span})")
    if entry.cells:
        what.append(f"{entry.cells:,} cells")
    if entry.records:
        what.append(f"{entry.records:,} records")
    return ": ".join(filter(None, (f"not verifiable in {entry.store}", ", ".join(what), entry.reason)))


def _difference_lines(found: Differences) -> Iterator[str]:
    ordered = sorted(found.listed, key=_order)
    last = None
    for difference in ordered[:MOST_PRINTED]:
        heading = _heading(difference)
        if heading != last:
            yield heading
        last = heading
        yield f"  {difference_line(difference)}"
    if found.total > MOST_PRINTED:
        yield f"  … and {found.total - min(MOST_PRINTED, len(ordered)):,} more"


def _order(difference: Difference) -> tuple[int, int, str, str]:
    start = difference.window_start_seconds
    size = difference.window_seconds
    return start if start is not None else 1 << 62, size or 0, difference.store, difference.what


def _heading(difference: Difference) -> str:
    if difference.window_start_seconds is None:
        return f"{difference.store}:"
    return f"window {window_name(difference.window_start_seconds)} ({difference.window_seconds} s):"


def difference_line(difference: Difference) -> str:
    """One difference in one line."""
    names = [difference.store, difference.what]
    if difference.campaign_id is not None:
        names.append(f"campaign {difference.campaign_id!r}")
    if difference.category is not None:
        names.append(f"category {difference.category!r}")
    if difference.event_id is not None:
        names.append(f"event {printable(difference.event_id)}")
    if difference.partition is not None:
        names.append(f"record {difference.partition}/{difference.offset}")
    return f"{', '.join(names)}: expected {_shown(difference.expected)}, got {_shown(difference.got)}"


def _shown(value: Counts | int | str | None) -> str:
    if isinstance(value, Counts):
        return f"{value.impressions:,} impressions {value.clicks:,} clicks"
    return "nothing" if value is None else printable(value)
