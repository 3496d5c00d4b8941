"""`adctr recount`: final windows counted again from raw_events."""

from __future__ import annotations

import json
import time
from contextlib import closing
from datetime import UTC, datetime
from typing import Annotated

import psycopg2
import redis
import typer

from compose.cli.durations import parse_duration_seconds
from compose.cli.options import FormatOption
from compose.cli.timestamps import parse_moment_ms
from compose.cli.verify import ProgressLine
from compose.process.errors import EnvironmentFailed, Inconclusive, UsageError
from compose.stack.state import load_settings
from compose.terminal.format import Format
from pipeline.cache.cache_writer import writer_client
from pipeline.recount import RawEventsDropped, Recounted, not_final, windows_of
from pipeline.recount import recount as recount_windows
from pipeline.settings import Settings
from pipeline.store import StoreUnavailable
from pipeline.store.metrics_queries import WindowRange

_POLL_SECONDS = 0.5
_LONGEST_SECONDS = 31 * 86_400


def recount(
    context: typer.Context,
    from_: Annotated[
        str, typer.Option("--from", help="Start of the time (ISO 8601); windows that overlap it are recounted.")
    ],
    to: Annotated[str, typer.Option("--to", help="End of the time (ISO 8601).")],
    timeout: Annotated[str, typer.Option(help="How long to wait for the windows to become final.")] = "30m",
    format_: FormatOption = Format.TEXT,
) -> None:
    """Recounts final windows from raw_events, which also holds replayed dead letters.

    The values have columns of their own that no job writes; readers prefer them. Exit 3: not final in time.
    """
    span = _span(from_, to)
    timeout_seconds = parse_duration_seconds("--timeout", timeout)
    settings = load_settings(context.obj)
    ranges = windows_of(*span)
    try:
        with closing(writer_client(settings)) as client:
            _wait_until_final(settings, ranges, client, timeout_seconds)
            done = recount_windows(settings, ranges, client)
    except RawEventsDropped as error:
        raise UsageError(f"--from {from_}: {error}") from error
    except (StoreUnavailable, psycopg2.Error) as error:
        raise EnvironmentFailed(str(error).strip()) from error
    except redis.RedisError as error:
        raise EnvironmentFailed(f"Redis: {error}; once it is back, run the same recount again") from error
    _print(done, format_)


def _span(from_: str, to: str) -> tuple[int, int]:
    first, end = parse_moment_ms("--from", from_) // 1000, -(-parse_moment_ms("--to", to) // 1000)
    if not 0 <= first < end:
        raise UsageError(f"--from {from_} --to {to}: the second must be later than the first")
    if end - first > _LONGEST_SECONDS:
        raise UsageError(f"--from {from_} --to {to}: at most {_LONGEST_SECONDS // 86_400} days at a time")
    if end > time.time() + _LONGEST_SECONDS:
        raise UsageError(f"--to {to}: lies in the future")
    return first, end


def _wait_until_final(
    settings: Settings, ranges: list[WindowRange], client: redis.Redis, timeout_seconds: float
) -> None:
    deadline = time.monotonic() + timeout_seconds
    progress = ProgressLine()
    try:
        for windows in ranges:
            while (reason := not_final(settings, windows, client)) is not None:
                if time.monotonic() > deadline:
                    raise Inconclusive(f"{reason}; wait longer with --timeout")
                progress(f"waiting: {reason}")
                time.sleep(_POLL_SECONDS)
    finally:
        progress.clear()


def _print(done: Recounted, format_: Format) -> None:
    if format_ is Format.JSON:
        report = {
            "revision": done.revision,
            "windows": {str(size): number for size, number in done.windows.items()},
            "cells": done.cells,
            "changed": done.changed,
            "cached_windows": done.cached_windows,
            "recounted_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        }
        print(json.dumps(report, indent=2))
        return
    windows = ", ".join(f"{number:,} of {size // 60} min" for size, number in done.windows.items())
    print(f"revision {done.revision}: windows {windows}; {done.cells:,} cells, {done.changed:,} with another value now")
    print(f"in Redis: {done.cached_windows:,} windows (the others have expired)")
