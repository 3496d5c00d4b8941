"""`adctr retention`: drops what PostgreSQL need not keep, and prepares the coming days."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated

import psycopg2
import typer

from compose.cli.durations import parse_duration_seconds
from compose.cli.options import FormatOption
from compose.process.errors import EnvironmentFailed, UsageError
from compose.stack.state import load_settings
from compose.terminal.format import Format
from pipeline.store import RetentionReport, StoreUnavailable, apply_retention
from pipeline.store.retention import days_or_ever


def retention(
    context: typer.Context,
    keep: Annotated[
        str | None,
        typer.Option(
            help="How far back raw events are kept; whole days (UTC) are dropped. "
            "Default: ADCTR_RAW_EVENTS_RETENTION_DAYS (7; 0: forever)."
        ),
    ] = None,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Drops raw events and windows that are past their retention, and creates partitions for the coming days.

    The stack's cache keeper does the same every hour. Rows of the default partition move to days of their own. Windows
    are kept for ADCTR_METRICS_RETENTION_DAYS (400; 0: forever).
    """
    asked = None if keep is None else timedelta(seconds=parse_duration_seconds("--keep", keep, zero=True))
    settings = load_settings(context.obj)
    period = days_or_ever(settings.raw_events_retention_days) if asked is None else asked
    metrics = days_or_ever(settings.metrics_retention_days)
    try:
        report = apply_retention(settings, period, keep_metrics=metrics)
    except (StoreUnavailable, psycopg2.OperationalError) as error:
        raise EnvironmentFailed(str(error).strip()) from error
    except OverflowError as error:
        raise UsageError(f"--keep {keep}: reaches back before the year 1") from error
    if format_ is Format.JSON:
        print(json.dumps(asdict(report), default=lambda value: value.isoformat(), indent=2))
    else:
        _print(report)


def _print(report: RetentionReport) -> None:
    for what, since in (("raw_events", report.kept_from), ("windows", report.metrics_kept_from)):
        print(f"{what} are kept {'for ever' if since is None else f'from {since:%Y-%m-%d} (UTC) on'}")
    print(f"dropped  {', '.join(report.dropped) or 'nothing'}")
    print(f"created  {', '.join(report.created) or 'nothing'}")
    print(f"deleted  {report.metrics_rows_deleted:,} rows of windows")
    if report.default_rows:
        print(
            f"{report.default_rows:,} rows had no day of their own: {report.default_rows_moved:,} moved to one, "
            f"{report.default_rows_deleted:,} were too old and deleted"
        )
