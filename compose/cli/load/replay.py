"""`adctr load replay`: a recorded log as load."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from compose.cli.load.report import LedgerOption, carry_out, exit_code, show_progress, to_json, to_text
from compose.cli.options import FormatOption
from compose.process.errors import UsageError
from compose.process.exit_codes import ExitCode
from compose.stack.state import load_settings
from compose.terminal.format import Format
from pipeline.shared.terminal_safe import printable

if TYPE_CHECKING:
    from loadgen.replay.replay import ReplayPlan, ReplayResult
    from loadgen.run import LoadResult

_SHOWN = 20
_DELIMITERS = {"tab": "\t"}


def register(group: typer.Typer) -> None:
    """Adds the command to `adctr load`."""
    group.command("replay")(replay)


def replay(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="CSV with a header or JSON Lines, plain or gzip.")],
    map_: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="FIELD=COLUMN",
            help="event_time and campaign_id are needed; event_type, category, ad_id, user_id, placement, device. "
            "Repeatable.",
        ),
    ] = None,
    clicked: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="A row where it is true is an impression and a click.")
    ] = None,
    time_format: Annotated[
        str, typer.Option(help="iso, epoch_s, epoch_ms or a strptime pattern; without a zone it is UTC.")
    ] = "iso",
    speed: Annotated[
        str | None,
        typer.Option(help="1x, 10x, … or max; default 1x, without --shift-to-now max.", show_default=False),
    ] = None,
    shift_to_now: Annotated[
        bool, typer.Option("--shift-to-now", help="The first row is now; event and record times are when it is sent.")
    ] = False,
    ledger: LedgerOption = None,
    delimiter: Annotated[str, typer.Option(help="Between CSV columns: one character, or tab.")] = ",",
    format_: FormatOption = Format.TEXT,
) -> int:
    """Sends a log's rows as events. A row that can't be used is reported with its line and stops nothing.

    Exit 0: all that was sent is acknowledged. 1: some is not, or no row could be used. 2: the file, a column, an option
    or the kind of stack is wrong; nothing was sent. 130: interrupted.
    """
    from loadgen.replay.replay import replay as send

    settings = load_settings(context.obj)
    done: list[ReplayResult] = []

    def start(stop: threading.Event) -> LoadResult:
        plan = _plan(context.obj, file, map_ or [], clicked, time_format, speed, ledger, delimiter, shift=shift_to_now)
        done.append(send(settings, plan, stop, show_progress()))
        return done[0].load

    carry_out(start)
    return _report(done[0], format_)


def _plan(
    data_dir: Path,
    file: Path,
    map_: list[str],
    clicked: str | None,
    time_format: str,
    speed: str | None,
    ledger: Path | None,
    delimiter: str,
    *,
    shift: bool,
) -> ReplayPlan:
    from loadgen.replay.log_file import open_log
    from loadgen.replay.mapping import RowMapping, parse_map
    from loadgen.replay.replay import ReplayPlan
    from loadgen.replay.schedule import parse_speed
    from loadgen.replay.times import time_reader
    from loadgen.run import new_run_id

    delimiter = _DELIMITERS.get(delimiter, delimiter)
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise UsageError(f"--delimiter {delimiter}: must be one character, for example ; or the word tab")
    mapping = RowMapping(parse_map(map_), clicked, time_reader(time_format))
    pace = parse_speed(speed or ("1x" if shift else "max"))
    run_id = new_run_id()
    path = ledger or data_dir / "ledgers" / f"{run_id}.ledger"
    return ReplayPlan(open_log(file, delimiter), mapping, pace, shift, path, run_id)


def _report(result: ReplayResult, format_: Format) -> int:
    load, rejects = result.load, result.rejects
    if format_ is Format.JSON:
        listed = [{"line": each.line, "reason": each.reason} for each in rejects.listed]
        print(json.dumps({**to_json(load), "rejected": listed, "rejected_total": rejects.total}, indent=2))
    else:
        print(f"{to_text(load)}\nrejected      {rejects.total:,}")
        for each in rejects.listed[:_SHOWN]:
            print(f"  line {each.line}: {printable(each.reason)}")
        if rejects.total > _SHOWN:
            print(f"  … and {rejects.total - _SHOWN:,} more; --format json lists them")
    if not load.sent and not load.interrupted:
        print("adctr: no row could be used, nothing was sent", file=sys.stderr)
        return ExitCode.FAIL
    return exit_code(load, endless=False)
