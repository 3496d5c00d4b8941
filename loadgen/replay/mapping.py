"""What a row means: fields of the contract from columns of a log. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from loadgen.errors import LoadRefused
from loadgen.replay.rows import is_utf8, shown
from loadgen.replay.times import TimeReader
from loadgen.replay.words import EVENT_TYPE, TEXTS, Words, as_text, meaning, parse_values
from pipeline.contract.codec import AdEvent
from pipeline.contract.rules import EARLIEST_EVENT_TIME_MS, invalid_event
from pipeline.shared.checked_yaml.scalars import nearest

REQUIRED = ("event_time", "campaign_id")
UNKNOWN = "unknown"
"""What a text is that no column gives."""
FIELDS = ("event_time", EVENT_TYPE, *TEXTS)
_EVENTS_TEXTS = ("user_id", "ad_id", "campaign_id", "category", "placement", "device")
"""In the order of an event's fields."""


class UnmappableError(ValueError):
    """A row can't become an event; the message says which column and why."""


class LogEvent(NamedTuple):
    """A row: one event, or an impression and its click where ``clicked``.

    ``time_ms`` is the log's; ``event`` has no id yet and a time that means nothing.
    """

    event: AdEvent
    time_ms: int
    clicked: bool


def parse_map(entries: Sequence[str]) -> dict[str, str]:
    """``FIELD=COLUMN`` entries → column by field. Raises LoadRefused."""
    columns: dict[str, str] = {}
    for entry in entries:
        field, equals, column = entry.partition("=")
        if not equals or not column:
            raise LoadRefused(f"--map {entry}: must be FIELD=COLUMN, for example campaign_id=campaign")
        if field not in FIELDS:
            raise LoadRefused(f"--map {entry}: no field {field}; {nearest(field, FIELDS)}there are {', '.join(FIELDS)}")
        if field in columns:
            raise LoadRefused(f"--map {entry}: {field} is already mapped to {columns[field]}")
        columns[field] = column
    missing = [field for field in REQUIRED if field not in columns]
    if missing:
        raise LoadRefused(f"--map {missing[0]}=COLUMN is missing: every event needs {' and '.join(REQUIRED)}")
    return columns


@dataclass(frozen=True)
class RowMapping:
    """From a row's values to an event. ``clicked`` is a column or None."""

    columns: Mapping[str, str]
    clicked: str | None
    read_time: TimeReader
    words: Words = field(default_factory=parse_values)

    def wanted(self) -> dict[str, str]:
        """The columns by the option that names each."""
        found = {f"--map {name}={column}": column for name, column in self.columns.items()}
        if self.clicked is not None:
            found[f"--clicked {self.clicked}"] = self.clicked
        return found

    def event_of(self, values: Mapping[str, Any]) -> LogEvent:
        """Raises UnmappableError."""
        columns, text = self.columns, self._text
        kind = "CLICK" if EVENT_TYPE in columns and self._is_click(values) else "IMPRESSION"
        texts = [text(name, values) if name in columns else UNKNOWN for name in _EVENTS_TEXTS]
        event = AdEvent("0", kind, EARLIEST_EVENT_TIME_MS, *texts)
        time_ms = self._time(values)
        reason = invalid_event(event)
        if reason is not None:
            raise UnmappableError(reason)
        clicked = self.clicked is not None and self._clicked(values)
        if clicked and event.event_type == "CLICK":
            raise UnmappableError(f"{self.clicked} is true in a row that is a click itself")
        return LogEvent(event, time_ms, clicked)

    def _time(self, values: Mapping[str, Any]) -> int:
        column = self.columns["event_time"]
        value = values.get(column)
        if value is None or value == "":
            raise UnmappableError(f"{column} is empty")
        try:
            return self.read_time(value)
        except ValueError as error:
            raise UnmappableError(f"{column}={error}") from None

    def _text(self, name: str, values: Mapping[str, Any]) -> str:
        column = self.columns[name]
        value = values.get(column)
        if type(value) is not str or value.endswith(".0"):
            value = self._written(column, value)
        if not value:
            if name in REQUIRED:
                raise UnmappableError(f"{column} is empty")
            return UNKNOWN
        if not is_utf8(value):
            raise UnmappableError(f"{column} is not UTF-8")
        instead = self.words.texts
        return instead[name].get(value, value) if name in instead else value

    def _written(self, column: str, value: Any) -> str:
        """A value that is no plain text as one; empty if there is none."""
        if value is None or value != value:  # NaN is a gap in a column of numbers
            return ""
        if isinstance(value, bool | list | dict) or value in (math.inf, -math.inf):
            raise UnmappableError(f"{column}={shown(value)} is neither a text nor a number")
        return as_text(value)

    def _is_click(self, values: Mapping[str, Any]) -> bool:
        column = self.columns[EVENT_TYPE]
        value = values.get(column)
        found = meaning(self.words.clicks, value)
        if found is None:
            raise UnmappableError(
                f"{column}={shown(value)} is neither an impression (imp, view, …) nor a click (clk, …); "
                "--value event_type:WORD=CLICK says what a word means"
            )
        return found

    def _clicked(self, values: Mapping[str, Any]) -> bool:
        value = values.get(self.clicked or "")
        found = meaning(self.words.clicked, value)
        if found is None:
            raise UnmappableError(
                f"{self.clicked}={shown(value)} is neither true (1, true, yes, …) nor false (0, false, …); "
                "--value clicked:WORD=TRUE says what a word means"
            )
        return found
