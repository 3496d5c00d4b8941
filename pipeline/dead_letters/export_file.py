"""The file that letters are exported to, repaired in, and replayed from: JSON lines, one letter each.

=================  ==============================================================================================
key                meaning
=================  ==============================================================================================
``partition``      origin of the record: what it is replayed by; leave as it is
``offset``         likewise
``record_time_ms``  Kafka record time of the origin; to be read, not to be changed
``reason``         why it was rejected; to be read
``event``          what could be decoded, by field name. **Repair this**: on replay it must be a whole valid event.
                   ``event_time`` is in milliseconds since the epoch; ``placement``, ``device`` and ``impression_id``
                   may be left out
``complete``       whether ``event`` is the whole event; to be read
``shortened``      the record's size in bytes, where only the beginning of key and value was kept; else null
``key``, ``value``, ``headers``  the record's bytes in base64; to be read, not used on replay
=================  ==============================================================================================

Empty lines are skipped. A line whose ``event`` is still no valid event is rejected; the others are replayed.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pipeline.dead_letters.letter import Letter
from pipeline.dead_letters.view import View

MOST_LINE_BYTES = 64 << 20
"""Kafka's own limit for a record is far below."""


class BadLine(ValueError):
    """A line isn't a letter of this format; the message says why."""


@dataclass(frozen=True)
class ExportedLine:
    """What replay takes from a line. ``line`` counts from 1."""

    line: int
    partition: int
    offset: int
    record_time_ms: int | None
    event: dict[str, Any]


def to_object(letter: Letter, view: View) -> dict[str, Any]:
    """A letter as a JSON object; text that isn't Unicode can't be in it, the bytes are."""
    return {
        "partition": letter.partition,
        "offset": letter.offset,
        "record_time_ms": letter.record_time_ms,
        "reason": letter.reason,
        "event": {name: _jsonable(value) for name, value in view.fields.items()},
        "complete": view.complete,
        "shortened": letter.shortened,
        "key": _base64(letter.key),
        "value": _base64(letter.value),
        "headers": [[name, _base64(content)] for name, content in letter.headers],
    }


def to_line(letter: Letter, view: View) -> str:
    """A letter as a line of the file; pure ASCII, so that no terminal or editor can be misled."""
    return json.dumps(to_object(letter, view)) + "\n"


def read_lines(lines: Iterable[bytes]) -> Iterator[ExportedLine | tuple[int, str]]:
    """Each line's letter, or (line number, what is wrong with it)."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield _parse(number, line)
        except BadLine as error:
            yield number, str(error)


def _parse(number: int, line: bytes) -> ExportedLine:
    if len(line) > MOST_LINE_BYTES:
        raise BadLine(f"longer than {MOST_LINE_BYTES >> 20} MB")
    try:
        values = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadLine(f"not JSON: {error}") from None
    if not isinstance(values, dict):
        raise BadLine("not a JSON object")
    partition, offset = values.get("partition"), values.get("offset")
    record_time_ms, event = values.get("record_time_ms"), values.get("event")
    if type(partition) is not int or type(offset) is not int:
        raise BadLine("partition and offset must be whole numbers")
    if record_time_ms is not None and type(record_time_ms) is not int:
        raise BadLine("record_time_ms must be a whole number")
    if not isinstance(event, dict):
        raise BadLine("event must be an object with the fields of an event")
    return ExportedLine(number, partition, offset, record_time_ms, event)


def _base64(content: bytes | None) -> str | None:
    return None if content is None else base64.b64encode(content).decode()


def _jsonable(value: Any) -> Any:
    if isinstance(value, bytes):
        return _base64(value)
    if isinstance(value, list | tuple):
        return [_jsonable(item) for item in value]
    return value
