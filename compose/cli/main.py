"""The `adctr` command."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from typer.exceptions import TyperException

from compose.cli.commands import COMMANDS
from compose.cli.lazy import group_of
from compose.process.errors import UsageError
from compose.process.guard import run_guarded
from compose.process.parent_watch import end_with_parent

app = typer.Typer(
    name="adctr",
    help="Counts ad impressions and clicks in real time, and proves that counts and objectives are kept.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    cls=group_of(COMMANDS),
)


def _version(asked: bool) -> None:
    if asked:
        print(f"adctr {version('adctr')}")
        raise typer.Exit


@app.callback()
def common(
    context: typer.Context,
    _version_asked: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    data_dir: Annotated[
        Path,
        typer.Option(envvar="ADCTR_DATA_DIR", help="Holds all state, logs and checkpoints of one stack."),
    ] = Path("data"),
) -> None:
    context.obj = data_dir


def main() -> None:
    """The console script. Commands end with `raise typer.Exit(code)` or an error of `compose.process.errors`."""
    end_with_parent()
    raise SystemExit(run_guarded(_run))


def _run() -> object:
    try:
        return app(standalone_mode=False)
    except TyperException as error:
        raise UsageError(error.format_message()) from error
    except typer.Abort:
        raise KeyboardInterrupt from None


if __name__ == "__main__":
    main()
