"""The `adctr` command."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer
from typer.exceptions import TyperException

from compose.errors import EnvironmentFailed, Inconclusive, UsageError
from compose.exit_codes import ExitCode
from compose.stack.ports import PortChoice
from pipeline.settings import SettingsError

app = typer.Typer(
    name="adctr",
    help="Click-through rates of ads in real time, and whether they keep their objectives.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


class Format(StrEnum):
    """How a command reports."""

    TEXT = "text"
    JSON = "json"


FormatOption = Annotated[Format, typer.Option("--format", help="How to print the report.")]


@app.callback()
def common(
    context: typer.Context,
    data_dir: Annotated[
        Path,
        typer.Option(envvar="ADCTR_DATA_DIR", help="Holds all state, logs and checkpoints of one stack."),
    ] = Path("data"),
) -> None:
    context.obj = data_dir


@app.command()
def up(
    context: typer.Context,
    ports: Annotated[PortChoice, typer.Option(help="The well-known ports or free ones.")] = PortChoice.DEFAULT,
    historic: Annotated[bool, typer.Option("--historic", help="For preloads with old record times.")] = False,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Starts the stack; returns when it is healthy and the jobs run."""
    from compose.stack.layout import Layout
    from compose.stack.lifecycle import bring_up

    bring_up(context.obj, ports, historic, _progress)
    _print_status(Layout.of(context.obj), format_)


@app.command()
def status(context: typer.Context, format_: FormatOption = Format.TEXT) -> None:
    """Shows the processes and jobs of a running stack."""
    from compose.stack.layout import Layout

    _print_status(Layout.of(context.obj), format_)


@app.command()
def down(context: typer.Context) -> None:
    """Stops the stack. Its state stays in the data directory."""
    from compose.stack.layout import Layout
    from compose.stack.lifecycle import take_down

    layout = Layout.of(context.obj)
    swept = take_down(layout)
    if swept:
        _progress(f"ended {swept} processes that nobody supervised any more")
    _progress(f"no stack is running in {layout.root}")


@app.command()
def logs(
    context: typer.Context,
    service: Annotated[str, typer.Argument(help="As `adctr status` names it.")],
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on printing what comes.")] = False,
    lines: Annotated[int, typer.Option("-n", help="How many of the last lines; 0 prints all.")] = 0,
) -> None:
    """Prints the log of a service."""
    from compose.stack.layout import Layout

    layout = Layout.of(context.obj)
    path = layout.log_of(service)
    known = sorted(each.stem for each in layout.logs.glob("*.log"))
    if service not in known:
        raise UsageError(f"no log of {service!r} in {layout.logs}; there are: {', '.join(known) or 'none'}")
    text = path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
    sys.stdout.writelines(text[-lines:])
    sys.stdout.flush()
    if follow:
        _follow(path)


def _follow(path: Path) -> None:
    file = path.open(encoding="utf-8", errors="replace")
    file.seek(0, os.SEEK_END)
    while True:
        sys.stdout.write(file.read())
        sys.stdout.flush()
        time.sleep(0.3)
        if path.exists() and path.stat().st_ino != os.fstat(file.fileno()).st_ino:  # rotated
            file.close()
            file = path.open(encoding="utf-8", errors="replace")


def _progress(line: str) -> None:
    """Progress goes to stderr, so that stdout is the report alone."""
    print(line, file=sys.stderr, flush=True)


def _print_status(layout: Any, format_: Format) -> None:
    from compose.stack.status import status as report

    found = report(layout)
    if format_ is Format.JSON:
        print(json.dumps(found, indent=2))
        return
    for row in found["services"]:
        pid = row["pid"] or "-"
        print(f"{row['name']:<18} {row['state']:<9} {pid:>8}  {row['rss_bytes'] / 1e6:>6.0f} MB  {row['address']}")
    total = sum(row["rss_bytes"] for row in found["services"])
    print(f"{'all':<18} {'':<9} {'':>8}  {total / 1e6:>6.0f} MB  {found['data_dir']}")
    for job in found["jobs"]:
        checkpoint = job["last_checkpoint"]
        print(f"job {job['name']:<14} {job['state'].lower():<9} last checkpoint: {_describe(checkpoint)}")


def _describe(checkpoint: dict[str, Any] | None) -> str:
    if checkpoint is None:
        return "none yet"
    at = time.strftime("%H:%M:%S UTC", time.gmtime((checkpoint["time_ms"] or 0) / 1000))
    return f"number {checkpoint['id']} at {at}"


# Each module has `register(app)`; those of later versions are simply not there yet.
_COMMAND_MODULES = (
    *("load", "verify", "demo", "bench", "store", "slo"),
    *("dlq", "dlq_replay", "recount", "bench_dead_letters"),
)


def _register_commands() -> None:
    for name in _COMMAND_MODULES:
        module = f"compose.commands.{name}"
        if importlib.util.find_spec(module) is not None:
            importlib.import_module(module).register(app)


_INTERRUPTING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run_guarded(command: Callable[[], object]) -> int:
    """Runs a command and turns what it raises into a message and an exit code."""
    for each in _INTERRUPTING:
        signal.signal(each, _interrupt)
    try:
        result = command()
    except (UsageError, SettingsError) as error:
        return _fail(error, ExitCode.USAGE)
    except Inconclusive as error:
        return _fail(error, ExitCode.INCONCLUSIVE)
    except EnvironmentFailed as error:
        return _fail(error, ExitCode.ENVIRONMENT)
    except TyperException as error:
        return _fail(error, ExitCode.USAGE)
    except (KeyboardInterrupt, typer.Abort):
        return ExitCode.INTERRUPTED
    except OSError as error:
        return _fail(error, ExitCode.ENVIRONMENT)
    return result if isinstance(result, int) else ExitCode.PASS


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    # Once: whatever cleans up now must not be interrupted by the next one.
    for each in _INTERRUPTING:
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt


def _fail(error: Exception, code: ExitCode) -> int:
    print(f"adctr: {error}", file=sys.stderr)
    return code


def main() -> None:
    """The console script. Commands end with `raise typer.Exit(code)` or an error of `compose.errors`."""
    _register_commands()
    raise SystemExit(run_guarded(lambda: app(standalone_mode=False)))


if __name__ == "__main__":
    main()
