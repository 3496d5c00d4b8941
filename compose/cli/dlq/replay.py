"""`adctr dlq replay`: repaired dead letters into raw_events, under the origin of the record."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from compose.cli.dlq.letters import (
    CampaignOption,
    FromOption,
    PartitionOption,
    ReasonOption,
    ToOption,
    explained,
    letter_topic,
    selection_of,
)
from compose.cli.options import FormatOption
from compose.process.errors import UsageError
from compose.process.exit_codes import ExitCode
from compose.stack.state import load_settings
from compose.terminal.format import Format
from pipeline.contract.codec import AdEvent
from pipeline.dead_letters.export_file import ExportedLine, read_lines
from pipeline.dead_letters.plan import Changes, Rejection, RepairPlan, plan_by_changes, plan_from_lines
from pipeline.dead_letters.replay import Replay
from pipeline.dead_letters.replay import replay as replay_all
from pipeline.dead_letters.selection import LetterSelection
from pipeline.settings import Settings
from pipeline.shared.terminal_safe import printable

_MOST_PRINTED = 100
_LARGEST_WINDOW_SECONDS = 300


class EventTime(StrEnum):
    """Where a dead letter repaired by flags takes its event time from."""

    KEEP = "keep"
    RECORD = "record"


def replay(
    context: typer.Context,
    file: Annotated[Path | None, typer.Argument(help="A file of `dlq export` with repaired `event`s.")] = None,
    event_time: Annotated[EventTime, typer.Option(help="`record`: the record time becomes the event time.")] = (
        EventTime.KEEP
    ),
    set_: Annotated[list[str] | None, typer.Option("--set", help="FIELD=VALUE in every selected event.")] = None,
    reason: ReasonOption = None,
    partition: PartitionOption = None,
    from_: FromOption = None,
    to: ToOption = None,
    campaign: CampaignOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would happen; change nothing.")] = False,
    format_: FormatOption = Format.TEXT,
) -> int:
    """Replays repaired dead letters: those of a file, or, with --event-time and --set, all that the filters select.

    Replaying twice changes nothing. Exit 1: something was rejected; the rest was replayed.
    """
    changes = _changes(set_ or [], event_time)
    chosen = selection_of(reason, partition, from_, to, campaign)
    _refuse_mixture(file, changes, chosen)
    settings = load_settings(context.obj)
    with explained():
        plan = _plan_of_file(settings, file) if file is not None else _plan_of_selection(settings, chosen, changes)
        done = replay_all(settings, plan.mended, dry_run=dry_run)
    plan.rejected += [Rejection(why, one.partition, one.offset) for one, why in done.refused]
    _print(plan, done, dry_run, format_)
    return ExitCode.FAIL if plan.rejected else ExitCode.PASS


def _changes(assignments: list[str], event_time: EventTime) -> Changes:
    fields: dict[str, Any] = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals or name not in AdEvent._fields:
            raise UsageError(f"--set {assignment!r}: must be FIELD=VALUE; fields are {', '.join(AdEvent._fields)}")
        if name != "event_time":
            fields[name] = value
        elif re.fullmatch("[0-9]{1,19}", value):
            fields[name] = int(value)
        else:
            raise UsageError(f"--set {printable(assignment)}: must be whole milliseconds since the epoch")
    return Changes(fields, event_time is EventTime.RECORD)


def _refuse_mixture(file: Path | None, changes: Changes, chosen: LetterSelection) -> None:
    by_flags = changes != Changes()
    if file is None and not by_flags:
        raise UsageError("name a FILE as `dlq export` writes it, or say what to change: --event-time record, --set F=V")
    if file is not None and (by_flags or chosen != LetterSelection()):
        raise UsageError("a FILE says itself what is replayed: no filters, no --event-time and no --set beside it")


def _plan_of_file(settings: Settings, file: Path) -> RepairPlan:
    try:
        with file.open("rb") as source:
            lines = list(read_lines(source))
    except OSError as error:
        raise UsageError(f"{file}: cannot read it: {error.strerror}") from error
    wanted = {(line.partition, line.offset) for line in lines if isinstance(line, ExportedLine)}
    found = letter_topic(settings, late=False).read(LetterSelection()) if wanted else ()
    letters = {letter.origin: letter for letter in found if letter.origin in wanted}
    return plan_from_lines(lines, letters, settings.allowed_lateness_seconds)


def _plan_of_selection(settings: Settings, chosen: LetterSelection, changes: Changes) -> RepairPlan:
    topic = letter_topic(settings, late=False)
    letters = ((letter, topic.view(letter)) for letter in topic.read(chosen))
    return plan_by_changes(letters, changes, settings.allowed_lateness_seconds)


def _print(plan: RepairPlan, done: Replay, dry_run: bool, format_: Format) -> None:
    span = _span(done)
    late = sum(one.late for one in done.replayed)
    if format_ is Format.JSON:
        report = {
            "dry_run": dry_run,
            "replayed": len(done.replayed),
            "late": late,
            "unchanged": len(done.unchanged),
            "rejected": [asdict(rejection) for rejection in plan.rejected],
            "recount": None if span is None else {"from": span[0], "to": span[1]},
        }
        print(json.dumps(report, indent=2))
        return
    print(f"{'would be ' if dry_run else ''}replayed  {len(done.replayed):,}" + (f", {late:,} late" if late else ""))
    print(f"unchanged  {len(done.unchanged):,} (replayed before)")
    print(f"rejected  {len(plan.rejected):,}")
    for rejection in plan.rejected[:_MOST_PRINTED]:
        line = "" if rejection.line is None else f"line {rejection.line}: "
        origin = "" if rejection.partition is None else f"{rejection.partition}/{rejection.offset}: "
        print(f"  {line}{origin}{printable(rejection.reason)}")
    if len(plan.rejected) > _MOST_PRINTED:
        print(f"  … and {len(plan.rejected) - _MOST_PRINTED:,} more (--format json has them all)")
    if span is not None and not dry_run:
        print(f"now `adctr recount --from {span[0]} --to {span[1]}` brings them into the windows")


def _span(done: Replay) -> tuple[str, str] | None:
    """The windows that the replayed events belong to; late ones belong to none."""
    times = [one.event.event_time // 1000 for one in done.replayed + done.unchanged if not one.late]
    if not times:
        return None
    first = min(times) // _LARGEST_WINDOW_SECONDS * _LARGEST_WINDOW_SECONDS
    end = (max(times) // _LARGEST_WINDOW_SECONDS + 1) * _LARGEST_WINDOW_SECONDS
    return _name(first), _name(end)


def _name(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
