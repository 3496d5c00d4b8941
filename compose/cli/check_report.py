"""How `demo`, `bench latency`, `slo check` and `slo drill` report a check."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from compose.cli.shown import report_width, show
from compose.process.exit_codes import ExitCode
from compose.terminal.format import Format
from slo.check import Checked, LoadSummary
from slo.latency.figures import Spread, figures
from slo.reconciliation.report import Report, difference_line
from slo.report.machine_readable import to_json
from slo.report.text import to_text
from slo.spec.model import Indicator, Specification
from slo.verdict import RunVerdict, Verdict

EXIT_CODES = {
    Verdict.PASS: ExitCode.PASS,
    Verdict.FAIL: ExitCode.FAIL,
    Verdict.INCONCLUSIVE: ExitCode.INCONCLUSIVE,
    Verdict.NOT_JUDGED: ExitCode.INCONCLUSIVE,
}
_MOST_DIFFERENCES = 5
_STORES = {"redis": Indicator.EVENT_TO_REDIS, "postgres": Indicator.EVENT_TO_POSTGRES}
_STORE_NAMES = {"redis": "Redis", "postgres": "PostgreSQL"}


def report(checked: Checked, specification: Specification, verdict: RunVerdict, format_: Format) -> ExitCode:
    """Prints a check's figures and verdict; the exit code that goes with them."""

    def as_text() -> None:
        for line in _load_lines(checked):
            print(line)
        print(to_text(specification, checked.recording, verdict, report_width()), end="")

    show(as_json(checked, specification, verdict), format_, as_text)
    return EXIT_CODES[verdict.verdict]


def as_json(checked: Checked, specification: Specification, verdict: RunVerdict) -> dict[str, Any]:
    """The verdict's keys; under a load of its own also what was sent and found, and the latencies of all events."""
    found = to_json(specification, checked.recording, verdict)
    if checked.load is not None:
        found["load"] = {**asdict(checked.load), "ledger": str(checked.load.ledger)}
        found["load"]["send_delay_seconds"] = found["load"].pop("send_delay")
        found["latency_seconds"] = {
            store: {
                **asdict(figures(checked.recording.series[indicator].values)),
                "look_interval": asdict(checked.look_intervals[indicator]),
            }
            for store, indicator in _STORES.items()
        }
    if checked.report is not None:
        found["records"] = checked.report.records
        found["differences_total"] = checked.report.found.total
        found["exact"] = checked.report.exact
    return found


def _load_lines(checked: Checked) -> Iterator[str]:
    load, counted = checked.load, checked.report
    yield from load_and_counts(load, counted)
    if load is not None:
        for store, indicator in _STORES.items():
            yield f"{_STORE_NAMES[store]:<10} {_path(checked, indicator)}"


def load_and_counts(load: LoadSummary | None, counted: Report | None) -> Iterator[str]:
    """Counts of sent events and of records on the topic: a line each, if known."""
    if load is not None:
        yield (
            f"load       {load.sent:,} sent, {load.acknowledged:,} acknowledged, {load.failed:,} failed, "
            f"{load.rate_achieved:,.0f} events/s; send delay {_spread(load.send_delay)}"
        )
    if counted is not None:
        yield (
            f"topic      {counted.records:,} records: {counted.counted:,} counted, {counted.late:,} late, "
            f"{counted.dead_lettered:,} dead-lettered, {counted.tombstones:,} tombstones; "
            f"{counted.found.total:,} differences{' (exact)' if counted.exact else ''}"
        )
        yield from first_differences(counted)


def first_differences(counted: Report) -> Iterator[str]:
    """The first few, each in one line; `adctr verify` lists them all."""
    yield from (f"           {difference_line(each)}" for each in counted.found.listed[:_MOST_DIFFERENCES])


def _path(checked: Checked, indicator: Indicator) -> str:
    found = figures(checked.recording.series[indicator].values)
    values = ((name, getattr(found, name)) for name in ("p50", "p99", "p999", "max"))
    latency = ", ".join(f"{name.replace('p999', 'p99.9')} {_seconds(value)}" for name, value in values)
    notes = (
        f"{found.unseen:,} never seen, {found.negative:,} negative" if found.unseen or found.negative else "all seen"
    )
    return f"{latency} of {found.samples:,} events ({notes}); looked every {_spread(checked.look_intervals[indicator])}"


def _spread(durations: Spread) -> str:
    return f"p50 {_seconds(durations.p50)}, p99 {_seconds(durations.p99)}, max {_seconds(durations.max)}"


def _seconds(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value * 1000:.0f} ms" if value < 10 else f"{value:.1f} s"
