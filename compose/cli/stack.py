"""`adctr up`, `status`, `down`, `logs`: the embedded stack."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer

from compose.cli.options import FormatOption
from compose.process.errors import EnvironmentFailed, UsageError
from compose.stack.jobs.savepoints import stop_with_savepoints
from compose.stack.layout import Layout
from compose.stack.lifecycle import bring_up, take_down
from compose.stack.ports import PortChoice
from compose.stack.processes import orphans
from compose.stack.status import status as report
from compose.terminal.format import Format
from compose.terminal.progress import say
from pipeline.shared.terminal_safe import printable_lines


def up(
    context: typer.Context,
    ports: Annotated[PortChoice, typer.Option(help="The well-known ports or free ones.")] = PortChoice.DEFAULT,
    historic: Annotated[bool, typer.Option("--historic", help="For preloads with old record times.")] = False,
    monitoring: Annotated[
        bool, typer.Option(help="Exporters, and Prometheus where it is on PATH; never with --historic.")
    ] = True,
    accept_loss: Annotated[
        bool, typer.Option("--accept-loss", help="Start jobs without the state or records that `up` said are lost.")
    ] = False,
    reread_store: Annotated[
        bool,
        typer.Option("--reread-store", help="PostgreSQL was restored from a backup: count the topic again."),
    ] = False,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Starts the stack; returns when it is healthy and the jobs run."""
    bring_up(
        context.obj,
        ports,
        historic,
        say,
        monitoring=monitoring and not historic,
        accept_loss=accept_loss,
        reread_store=reread_store,
    )
    _print_status(Layout.of(context.obj), format_)


def status(context: typer.Context, format_: FormatOption = Format.TEXT) -> None:
    """Shows the processes and jobs of a running stack."""
    _print_status(Layout.of(context.obj), format_)


def down(
    context: typer.Context,
    savepoint: Annotated[
        bool, typer.Option("--savepoint", help="End the jobs with savepoints first: before an upgrade.")
    ] = False,
) -> None:
    """Stops the stack. Its state stays in the data directory."""
    layout = Layout.of(context.obj)
    if savepoint:
        stop_with_savepoints(layout, say)
    swept = take_down(layout)
    left = orphans.find(layout)
    if left:
        raise EnvironmentFailed(
            f"these processes of the stack in {layout.root} have not ended: {orphans.describe(left)}; try again, or "
            "look what holds them up"
        )
    if swept:
        say(f"ended {swept} processes that nobody supervised any more")
    say(f"no stack is running in {layout.root}")


def logs(
    context: typer.Context,
    service: Annotated[str, typer.Argument(help="As `adctr status` names it.")],
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on printing what comes.")] = False,
    lines: Annotated[int, typer.Option("-n", help="How many of the last lines; 0 prints all.")] = 0,
) -> None:
    """Prints the log of a service."""
    layout = Layout.of(context.obj)
    path = layout.log_of(service)
    known = sorted(each.stem for each in layout.logs.glob("*.log"))
    if service not in known:
        raise UsageError(f"no log of {service!r} in {layout.logs}; there are: {', '.join(known) or 'none'}")
    file: TextIO = path.open(encoding="utf-8", errors="replace")
    shown = printable_lines if sys.stdout.isatty() else str
    sys.stdout.write(shown("".join(file.read().splitlines(keepends=True)[-lines:])))
    sys.stdout.flush()
    while follow:
        time.sleep(0.3)
        text, file = catch_up(path, file)
        sys.stdout.write(shown(text))
        sys.stdout.flush()


def catch_up(path: Path, file: TextIO) -> tuple[str, TextIO]:
    """What has come since, and the file to go on with: another one if the log was rotated."""
    text = file.read()
    try:
        rotated = path.stat().st_ino != os.fstat(file.fileno()).st_ino
    except FileNotFoundError:  # between the rotation and the next line
        rotated = False
    if not rotated:
        return text, file
    with file:
        text += file.read()  # its last lines may have come after the first look
    return text, path.open(encoding="utf-8", errors="replace")


def _print_status(layout: Any, format_: Format) -> None:
    found = report(layout)
    if format_ is Format.JSON:
        print(json.dumps(found, indent=2))
        return
    for row in found["services"]:
        pid = row["pid"] or "-"
        print(f"{row['name']:<18} {row['state']:<9} {pid:>8}  {row['rss_bytes'] / 1e6:>6.0f} MB  {row['address']}")
        if row["reason"]:
            print(f"{'':<18} {row['reason']}")
    total = sum(row["rss_bytes"] for row in found["services"])
    print(f"{'all':<18} {'':<9} {'':>8}  {total / 1e6:>6.0f} MB  {found['data_dir']}")
    for each in found["absent"]:
        print(f"{each['name']:<18} absent    {each['reason']}")
    for job in found["jobs"]:
        checkpoint = job["last_checkpoint"]
        print(f"job {job['name']:<14} {job['state'].lower():<9} last checkpoint: {_describe(checkpoint)}")
        if job["reason"]:
            print(f"{'':<18} {job['reason']}")
        if job["passed_over"]:
            print(f"{'':<18} {job['passed_over']} checkpoints could not be restored and were passed over")
        if job["lost_records"]:
            print(f"{'':<18} {job['lost_records']:,} records of the topic were lost before it had read them")
    if found["cache"] is not None:
        print(f"{'cache':<18} {_describe_cache(found['cache'])}")


def _describe_cache(cache: dict[str, int]) -> str:
    limit = f" of {cache['maximum_bytes'] / 1e6:.0f}" if cache["maximum_bytes"] else ""
    in_force, setting = cache["retention_seconds"], cache["longest_retention_seconds"]
    short = f", memory is short: the setting is {setting} s" if in_force < setting else ""
    return f"{cache['used_bytes'] / 1e6:.0f}{limit} MB, windows are kept for {in_force} s after their end{short}"


def _describe(checkpoint: dict[str, Any] | None) -> str:
    if checkpoint is None:
        return "none yet"
    at = time.strftime("%H:%M:%S UTC", time.gmtime((checkpoint["time_ms"] or 0) / 1000))
    return f"number {checkpoint['id']} at {at}"
