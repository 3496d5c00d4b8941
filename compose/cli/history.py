"""`--history FILE`: the one place where commands get it. `compose.cli.commands` says which do."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from compose.cli.report_files import require_writable
from compose.cli.shown import noting
from loadgen.population import DEFAULT_SEED
from slo.history import HistoryEntry

HistoryOption = Annotated[
    Path | None,
    typer.Option("--history", metavar="FILE", help="Append a line of JSON: figures, commit, machine, load, seed."),
]
_WITHOUT_SEED = ("slo compare", "bench dead-letters")


def with_history(command: str, callback: Callable[..., Any]) -> Callable[..., Any]:
    """The same command with the option. Nothing is appended where it came to no verdict.

    A file that can't be written to is refused before the command begins. Raises UsageError.
    """

    @functools.wraps(callback)
    def run(*, history: Path | None, **arguments: Any) -> Any:
        if history is None:
            return callback(**arguments)
        require_writable("--history", history)
        options = {name: each for name, each in arguments.items() if not isinstance(each, typer.Context)}
        entry = HistoryEntry.begin(command, options, _seed(command, options))
        with noting() as shown:
            code = callback(**arguments)
        # Shown first: a disk that is full by now must not take the verdict with it.
        sys.stdout.flush()
        if shown:
            entry.append(history, shown[-1], int(code))
        return code

    added = inspect.Parameter("history", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=HistoryOption)
    signature = inspect.signature(callback, eval_str=True)
    parameters = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in signature.parameters.values()]
    run.__signature__ = signature.replace(parameters=[*parameters, added])  # type: ignore[attr-defined]
    run.__annotations__ = {**callback.__annotations__, "history": HistoryOption}
    return run


def _seed(command: str, options: Mapping[str, Any]) -> int | None:
    """Loads that are told none have the usual one. A check without a rate watches whatever load there is."""
    if command in _WITHOUT_SEED or options.get("rate", 0) is None:
        return None
    return int(options.get("seed", DEFAULT_SEED))
