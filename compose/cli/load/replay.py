"""`adctr load replay`: a recorded log as load."""

from __future__ import annotations

import json
import sys
import threading
from enum import StrEnum
from typing import Annotated

import typer

from compose.cli.durations import parse_duration_seconds
from compose.cli.load.report import LedgerOption, carry_out, exit_code, show_progress, to_json, to_text
from compose.cli.options import FormatOption
from compose.process.errors import UsageError
from compose.process.exit_codes import ExitCode
from compose.stack.state import load_settings
from compose.terminal.format import Format
from loadgen.replay.log_file import open_log
from loadgen.replay.mapping import RowMapping, parse_map
from loadgen.replay.replay import ReplayPlan, ReplayResult
from loadgen.replay.replay import replay as send
from loadgen.replay.rows import Layout
from loadgen.replay.schedule import MOST_MAX_GAP_SECONDS, parse_speed
from loadgen.replay.times import time_reader
from loadgen.replay.words import parse_values
from loadgen.run import LoadResult, new_run_id
from pipeline.shared.terminal_safe import printable

_SHOWN = 20
_DELIMITERS = {"tab": "\t"}


class _Quoting(StrEnum):
    CSV = "csv"
    NONE = "none"


def replay(
    context: typer.Context,
    file: Annotated[str, typer.Argument(help="CSV or JSON, plain or gzip; - reads standard input.")],
    map_: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="FIELD=COLUMN",
            help="event_time and campaign_id are needed; event_type, category, ad_id, user_id, placement, device. "
            "date+time joins two columns, a.b goes into an object. Repeatable.",
        ),
    ] = None,
    clicked: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN", help="Column of clicks: a row where it is true becomes an impression and a click."
        ),
    ] = None,
    value: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FIELD:WORD=VALUE",
            help="Translates a word of the log: event_type:clk=CLICK, clicked:x=TRUE, category:7=shoes. Repeatable.",
        ),
    ] = None,
    time_format: Annotated[
        str,
        typer.Option(
            help="iso, epoch_s, epoch_ms, epoch_us, epoch_ns or a strptime pattern; without a zone it is UTC."
        ),
    ] = "iso",
    speed: Annotated[
        str | None,
        typer.Option(help="1x, 10x, … or max; default 1x, without --shift-to-now max.", show_default=False),
    ] = None,
    max_gap: Annotated[str, typer.Option(help="Longest wait between two rows; longer gaps are cut to it.")] = "10s",
    shift_to_now: Annotated[
        bool, typer.Option("--shift-to-now", help="Send the first row now; event and record times are the send times.")
    ] = False,
    ledger: LedgerOption = None,
    columns: Annotated[
        str | None, typer.Option(metavar="A,B,C", help="Column names of a file that has no header.")
    ] = None,
    delimiter: Annotated[
        str | None, typer.Option(help="Between CSV columns: one character, or tab; default a comma.")
    ] = None,
    quoting: Annotated[_Quoting, typer.Option(help="none: quotes in CSV are text.")] = _Quoting.CSV,
    format_: FormatOption = Format.TEXT,
) -> int:
    """Sends a log's rows as events. A row that can't be used is reported with its line and skipped.

    Exit 0: all that was sent is acknowledged. 1: some is not, no row could be used, or no row had a mapped column.
    2: the file, a column, an option or the kind of stack is wrong; nothing was sent. 130: interrupted.
    """
    settings = load_settings(context.obj)
    layout = _layout(columns, delimiter, quoting)
    gap_seconds = _max_gap_seconds(max_gap)
    done: list[ReplayResult] = []

    def start(stop: threading.Event) -> LoadResult:
        reader = time_reader(time_format, relative=shift_to_now)
        mapping = RowMapping(parse_map(map_ or []), clicked, reader, parse_values(value or []))
        pace = parse_speed(speed or ("1x" if shift_to_now else "max"))
        run_id = new_run_id()
        path = ledger or context.obj / "ledgers" / f"{run_id}.ledger"
        log = open_log(file, mapping.wanted(), layout)
        plan = ReplayPlan(log, mapping, pace, shift_to_now, path, run_id, gap_seconds)
        done.append(send(settings, plan, stop, show_progress()))
        return done[0].load

    carry_out(start)
    return _report(done[0], format_)


def _layout(columns: str | None, delimiter: str | None, quoting: _Quoting) -> Layout:
    if delimiter is not None:
        delimiter = _DELIMITERS.get(delimiter, delimiter)
        if len(delimiter) != 1 or delimiter in '"\r\n':
            raise UsageError(f"--delimiter {delimiter}: must be one character, for example ; or the word tab")
    names = None if columns is None else tuple(name.strip() for name in columns.split(","))
    return Layout(delimiter, quoting is _Quoting.CSV, names)


def _max_gap_seconds(text: str) -> float:
    seconds = parse_duration_seconds("--max-gap", text, zero=True)
    if seconds > MOST_MAX_GAP_SECONDS:
        raise UsageError(f"--max-gap {text}: must be at most a day")
    return seconds


def _report(result: ReplayResult, format_: Format) -> int:
    load, rejects = result.load, result.rejects
    if format_ is Format.JSON:
        listed = [{"line": each.line, "reason": each.reason} for each in rejects.listed]
        more = {"gaps_cut": result.gaps_cut, "gaps_cut_seconds": round(result.cut_seconds, 3)}
        print(json.dumps({**to_json(load), "rejected": listed, "rejected_total": rejects.total, **more}, indent=2))
    else:
        print(f"{to_text(load)}\nrejected      {rejects.total:,}")
        for each in rejects.listed[:_SHOWN]:
            print(f"  line {each.line}: {printable(each.reason)}")
        if rejects.total > _SHOWN:
            print(f"  … and {rejects.total - _SHOWN:,} more; --format json lists them")
        if result.gaps_cut:
            print(f"gaps cut      {result.gaps_cut:,}, by {result.cut_seconds:,.0f} s in all (--max-gap)")
    if not load.sent and not load.interrupted:
        print("adctr: no row could be used, nothing was sent", file=sys.stderr)
        return ExitCode.FAIL
    for option in result.never_seen:
        print(f"adctr: {printable(option)}: no row had it", file=sys.stderr)
    if result.never_seen and not load.interrupted:
        return ExitCode.FAIL
    return exit_code(load, endless=False)
