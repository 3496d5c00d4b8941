"""`adctr grafana`: the operations view as files, and into a Grafana that is already there."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from compose.cli.objectives_file import SpecOption, specification
from compose.cli.options import FormatOption
from compose.cli.report_files import require_writable
from compose.process.errors import EnvironmentFailed, UsageError
from compose.terminal.format import Format
from dashboards.ops.catalogue import COMMITTED, texts
from dashboards.ops.publish import (
    Annotation,
    CredentialsRefused,
    GrafanaUnavailable,
    Published,
    Publisher,
    PublishRefused,
)
from loadgen.ledger_tail import LedgerTail
from slo.annotations import FILE_NAME, read_activities

TOKEN_VARIABLE = "ADCTR_GRAFANA_TOKEN"  # noqa: S105 - a variable's name


def build(
    spec: SpecOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Directory; default: dashboards/ops/json of this installation.")
    ] = None,
) -> None:
    """Writes the JSON of every dashboard, limits taken from the objectives.

    Exit 0: written. 2: the file of objectives has mistakes, all of which are printed.
    """
    directory = out or COMMITTED
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--out {directory}: can't be made ({error.strerror}); name another directory") from error
    for name, text in texts(specification(spec)).items():
        require_writable("--out", directory / name)
        (directory / name).write_text(text, encoding="utf-8")
        print(directory / name)


def publish(
    context: typer.Context,
    url: Annotated[str, typer.Option(help="URL of Grafana with its path, for example https://grafana.example/ops.")],
    token: Annotated[
        str,
        typer.Option(
            envvar=TOKEN_VARIABLE,
            help="Of a service account that may write dashboards, data sources and annotations. On a command line "
            "everybody on this machine can read it.",
            show_default=False,
        ),
    ] = "",
    prometheus_url: Annotated[
        str, typer.Option(help="URL under which Grafana finds Prometheus.")
    ] = "http://127.0.0.1:9090",
    spec: SpecOption = None,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Publishes dashboards and their data source to a Grafana, and load runs and drills as annotations.

    Publishing again updates and adds nothing twice. Exit 0: all of it is there. 1: Grafana refuses a
    dashboard, say. 2: no token, or Grafana refuses it, or a bad URL. 4: nobody answers there, or no Grafana does.
    """
    if "@" in url:
        raise UsageError(f"--url: no user and no password there; a service account's token goes into {TOKEN_VARIABLE}")
    try:
        parts = urlsplit(url)
        _ = parts.port  # refuses what is none
    except ValueError as error:
        raise UsageError(f"--url {url}: {error}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"--url {url}: must be like https://grafana.example or http://127.0.0.1:3000")
    token = token.strip()
    if not token:
        raise UsageError(f"no token: put a service account's into {TOKEN_VARIABLE}")
    if not token.isascii() or not token.isprintable() or " " in token:
        raise UsageError(f"{TOKEN_VARIABLE}: a token is of letters, digits and underscores")
    dashboards, annotations = texts(specification(spec)), annotations_of(context.obj)
    try:
        _report(Publisher(url, token).publish(dashboards, prometheus_url, annotations), format_)
    except CredentialsRefused as error:
        raise UsageError(f"{error}; {TOKEN_VARIABLE} needs a service account's token with the role Admin") from error
    except GrafanaUnavailable as error:
        raise EnvironmentFailed(str(error)) from error
    except PublishRefused as error:
        print(f"adctr: {error}", file=sys.stderr)
        raise typer.Exit(1) from error


def annotations_of(data_dir: Path) -> list[Annotation]:
    """Load runs by their ledgers and drills by the file of activities, whether or not a stack runs."""
    found = []
    for path in sorted((data_dir / "ledgers").glob("*.ledger")):
        tail = LedgerTail(path)
        try:
            tail.read_on()
        except (OSError, ValueError, KeyError):
            continue
        if tail.run_id:
            text = f"load run {tail.run_id}: {tail.acknowledged:,} acknowledged, {tail.failed:,} failed"
            end = path.stat().st_mtime
            found.append(Annotation(f"run-{tail.run_id}", text, tail.start_seconds, end, ["load-run"]))
    for each in read_activities(data_dir / FILE_NAME):
        text = f"{each.kind} {each.name}: {each.outcome or 'goes on'}"
        found.append(Annotation(each.key, text, each.begin_seconds, each.end_seconds, [each.kind]))
    return found


def _report(published: Published, format_: Format) -> None:
    if format_ is Format.JSON:
        print(json.dumps(asdict(published), indent=2))
        return
    for uid in published.dashboards:
        print(f"{published.url}/d/{uid}")
    if published.provisioned:
        print(f"left as they are, Grafana has them from files: {', '.join(published.provisioned)}")
    changed = f", {published.annotations_changed} changed" if published.annotations_changed else ""
    print(f"data source {published.data_source}; {published.annotations_added} annotations added{changed}")
