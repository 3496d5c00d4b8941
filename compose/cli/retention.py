"""`adctr retention`: drops old days of raw events and prepares the coming ones."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from compose.cli.durations import parse_duration_seconds
from compose.cli.options import FormatOption
from compose.process.errors import EnvironmentFailed, UsageError
from compose.terminal.format import Format

if TYPE_CHECKING:
    from pipeline.store import RetentionReport


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("retention")(retention)


def retention(
    context: typer.Context,
    keep: Annotated[str, typer.Option(help="How far back raw events are kept; whole days (UTC) are dropped.")] = "7d",
    format_: FormatOption = Format.TEXT,
) -> None:
    """Drops the days of raw_events that are older, creates the coming ones. Metrics are kept for good."""
    import psycopg2

    from compose.stack.state import load_settings
    from pipeline.store import StoreUnavailable, apply_retention

    period = timedelta(seconds=parse_duration_seconds("--keep", keep, zero=True))
    settings = load_settings(context.obj)
    try:
        report = apply_retention(settings, period)
    except (StoreUnavailable, psycopg2.OperationalError) as error:
        raise EnvironmentFailed(str(error).strip()) from error
    except OverflowError as error:
        raise UsageError(f"--keep {keep}: reaches back before the year 1") from error
    if format_ is Format.JSON:
        print(json.dumps(asdict(report), default=lambda value: value.isoformat(), indent=2))
    else:
        _print(report)


def _print(report: RetentionReport) -> None:
    print(f"raw_events are kept from {report.kept_from:%Y-%m-%d} (UTC) on")
    print(f"dropped  {', '.join(report.dropped) or 'nothing'}")
    print(f"created  {', '.join(report.created) or 'nothing'}")
    if report.default_rows:
        print(
            f"{report.default_rows:,} rows had no day of their own: {report.default_rows_moved:,} moved to one, "
            f"{report.default_rows_deleted:,} were too old and deleted"
        )
