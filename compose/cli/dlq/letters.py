"""`adctr dlq`: lists, shows and exports dead letters and late events."""

from __future__ import annotations

import itertools
import json
import re
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import psycopg2
import typer

from compose.cli.options import FormatOption
from compose.cli.report_files import require_writable
from compose.cli.timestamps import parse_moment_ms
from compose.process.errors import EnvironmentFailed, UsageError
from compose.process.exit_codes import ExitCode
from compose.stack.state import load_settings
from compose.terminal.format import Format
from pipeline.contract.codec import RegistryUnavailable
from pipeline.dead_letters.export_file import to_line, to_object
from pipeline.dead_letters.letter import Letter
from pipeline.dead_letters.letter_topic import LetterTopic
from pipeline.dead_letters.selection import LetterSelection
from pipeline.dead_letters.view import View
from pipeline.settings import Settings
from pipeline.shared.terminal_safe import printable
from pipeline.store import StoreUnavailable, connect_reader
from pipeline.topic_reader import KafkaUnavailable

DEFAULT_LIMIT = 100

ReasonOption = Annotated[str | None, typer.Option(help="Part of the reason; case is ignored.")]
PartitionOption = Annotated[int | None, typer.Option(help="Partition of the rejected record.", min=0)]
FromOption = Annotated[str | None, typer.Option("--from", help="Earliest record time, like 2026-01-31T12:00:00Z.")]
ToOption = Annotated[str | None, typer.Option("--to", help="Record time before this time.")]
CampaignOption = Annotated[str | None, typer.Option(help="Campaign, if the record can be read that far.")]
LateOption = Annotated[bool, typer.Option("--late", help="Late events instead of dead letters.")]


def selection_of(
    reason: str | None, partition: int | None, from_: str | None, to: str | None, campaign: str | None
) -> LetterSelection:
    """The filters as options. Raises UsageError for an invalid time."""
    return LetterSelection(
        reason,
        partition,
        None if from_ is None else parse_moment_ms("--from", from_),
        None if to is None else parse_moment_ms("--to", to),
        campaign,
    )


def letter_topic(settings: Settings, late: bool) -> LetterTopic:
    """The topic of dead letters, or of late events."""
    return LetterTopic(settings, settings.late_topic if late else settings.dead_letter_topic)


@contextmanager
def explained() -> Iterator[None]:
    """Turns errors of an unavailable service into errors of the command line."""
    try:
        yield
    except (KafkaUnavailable, RegistryUnavailable, StoreUnavailable, psycopg2.Error) as error:
        raise EnvironmentFailed(str(error).strip()) from error


def list_letters(
    context: typer.Context,
    reason: ReasonOption = None,
    partition: PartitionOption = None,
    from_: FromOption = None,
    to: ToOption = None,
    campaign: CampaignOption = None,
    late: LateOption = False,
    limit: Annotated[
        int, typer.Option(help="Number of dead letters to show; all are counted. 0: all.", min=0)
    ] = DEFAULT_LIMIT,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Lists dead letters, each origin once, with the readable part of the event."""
    chosen = selection_of(reason, partition, from_, to, campaign)
    settings = load_settings(context.obj)
    topic = letter_topic(settings, late)
    with explained():
        replayed = _replayed_origins(settings)
        letters = topic.read(chosen)
        shown = [
            {**summary(letter, topic.view(letter)), "replayed": letter.origin in replayed}
            for letter in itertools.islice(letters, limit or None)
        ]
        matched = len(shown) + sum(1 for _ in letters)
    if format_ is Format.JSON:
        print(json.dumps({"letters": shown, "matched": matched, "strays": len(topic.strays)}, indent=2))
        return
    for row in shown:
        print(_line(row))
    print(f"{matched:,} dead letters" + (f", {len(shown):,} shown (--limit)" if matched > len(shown) else ""))
    if topic.strays:
        print(f"{len(topic.strays):,} more name no record of {settings.events_topic} as their origin")


def show(
    context: typer.Context,
    origin: Annotated[str, typer.Argument(help="PARTITION/OFFSET of the rejected record, as `dlq list` prints it.")],
    late: LateOption = False,
    format_: FormatOption = Format.TEXT,
) -> int:
    """Shows one dead letter in full: bytes, headers, readable fields of the event. Exit 1: not found."""
    wanted = parse_origin(origin)
    settings = load_settings(context.obj)
    topic = letter_topic(settings, late)
    with explained():
        letter = next(
            (each for each in topic.read(LetterSelection(partition=wanted[0])) if each.origin == wanted), None
        )
        if letter is None:
            print(f"adctr: {topic.topic} has no dead letter of record {origin}", file=sys.stderr)
            return ExitCode.FAIL
        view = topic.view(letter)
        found = to_object(letter, view) | {
            "topic": letter.topic,
            "record_time": time_name(letter.record_time_ms),
            "stage": letter.stage,
            "letter_offset": letter.letter_offset,
            "replayed": letter.origin in _replayed_origins(settings),
        }
    if format_ is Format.JSON:
        print(json.dumps(found, indent=2))
        return ExitCode.PASS
    for name, value in found.items():
        if name not in ("event", "headers", "value", "key"):
            print(f"{name:<15} {printable(value)}")
    for name, value in view.fields.items():
        print(f"event           {name} = {printable(value)}")
    for name, content in letter.headers:
        print(f"header          {printable(name)} = {printable(content)}")
    print(f"key             {printable(letter.key)}")
    print(f"value           {(letter.value or b'').hex(' ')}")
    return ExitCode.PASS


def export(
    context: typer.Context,
    out: Annotated[Path, typer.Option(help="A new file of JSON lines (pipeline/dead_letters/export_file.py).")],
    reason: ReasonOption = None,
    partition: PartitionOption = None,
    from_: FromOption = None,
    to: ToOption = None,
    campaign: CampaignOption = None,
    late: LateOption = False,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Writes dead letters to a file, one JSON object per line: repair `event` there, then run `dlq replay`."""
    require_writable("--out", out)
    chosen = selection_of(reason, partition, from_, to, campaign)
    topic = letter_topic(load_settings(context.obj), late)
    written = 0
    try:
        file = out.open("x", encoding="utf-8")
    except FileExistsError:
        raise UsageError(f"--out {out}: is there already; choose another name") from None
    try:
        with explained(), file:
            for letter in topic.read(chosen):
                file.write(to_line(letter, topic.view(letter)))
                written += 1
    except BaseException:
        out.unlink(missing_ok=True)  # a partial file would look complete
        raise
    if format_ is Format.JSON:
        print(json.dumps({"exported": written, "file": str(out)}, indent=2))
    else:
        print(f"{written:,} dead letters in {out}")


def _replayed_origins(settings: Settings) -> set[tuple[int, int]]:
    with closing(connect_reader(settings)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT kafka_partition, kafka_offset FROM realtime.replayed_events")
        return set(cursor.fetchall())


def summary(letter: Letter, view: View) -> dict[str, Any]:
    """A dead letter in a list; the keys are documented in docs/dead-letters.md."""
    whole = to_object(letter, view)
    return {
        "topic": letter.topic,
        "partition": letter.partition,
        "offset": letter.offset,
        "record_time": time_name(letter.record_time_ms),
        "reason": letter.reason,
        "stage": letter.stage,
        "event": whole["event"],
        "complete": view.complete,
        "value_bytes": None if letter.value is None else len(letter.value),
        "shortened": letter.shortened,
    }


def _line(row: dict[str, Any]) -> str:
    event = row["event"]
    names = [f"{name}={printable(event[name])}" for name in ("campaign_id", "category", "event_type") if name in event]
    read = ", ".join(names) or "unreadable"
    origin = f"{row['partition']}/{row['offset']}"
    flags = " [replayed]" if row["replayed"] else ""
    return f"{row['record_time']}  {origin:>12}  {printable(row['reason'])}  ({read}){flags}"


def time_name(milliseconds: int) -> str:
    """A record time for people and JSON, exact to the millisecond; the number itself where no calendar has it."""
    try:
        at = datetime.fromtimestamp(milliseconds // 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return str(milliseconds)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03d}Z"


def parse_origin(text: str) -> tuple[int, int]:
    """``PARTITION/OFFSET``. Raises UsageError."""
    origin = re.fullmatch("([0-9]{1,10})/([0-9]{1,19})", text)
    if origin is None:
        raise UsageError(f"{printable(text)}: must be PARTITION/OFFSET, for example 2/1234")
    return int(origin[1]), int(origin[2])
