"""What a row means: fields of the contract from columns of a log. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from loadgen.errors import LoadRefused
from loadgen.replay.rows import is_utf8, shown
from loadgen.replay.times import TimeReader
from loadgen.replay.words import EVENT_TYPE, TEXTS, Words, as_text, meaning, parse_values
from pipeline.checked_yaml.scalars import nearest
from pipeline.contract.codec import AdEvent
from pipeline.contract.rules import EARLIEST_EVENT_TIME_MS, invalid_fields

REQUIRED = ("event_time", "campaign_id")
UNKNOWN = "unknown"
"""What a text is that no column gives."""
FIELDS = ("event_time", EVENT_TYPE, *TEXTS)


class UnmappableError(ValueError):
    """A row can't become an event; the message says which column and why."""


@dataclass(frozen=True, slots=True)
class LogEvent:
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
        text = self._text
        event = AdEvent(
            event_id="0",
            event_type="CLICK" if self._is_click(values) else "IMPRESSION",
            event_time=EARLIEST_EVENT_TIME_MS,
            user_id=text("user_id", values),
            ad_id=text("ad_id", values),
            campaign_id=text("campaign_id", values),
            category=text("category", values),
            placement=text("placement", values),
            device=text("device", values),
        )
        time_ms = self._time(values)
        reason = invalid_fields(event)
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
        column = self.columns.get(name)
        if column is None:
            return UNKNOWN
        value = values.get(column)
        if value is None or value == "" or value != value:
            if name in REQUIRED:
                raise UnmappableError(f"{column} is empty")
            return UNKNOWN
        if isinstance(value, bool | list | dict):
            raise UnmappableError(f"{column}={shown(value)} is neither a text nor a number")
        found = as_text(value)
        if not is_utf8(found):
            raise UnmappableError(f"{column} is not UTF-8")
        instead = self.words.texts.get(name)
        return found if instead is None else instead.get(found, found)

    def _is_click(self, values: Mapping[str, Any]) -> bool:
        column = self.columns.get(EVENT_TYPE)
        if column is None:
            return False
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
