"""What a row means: fields of the contract from columns of a log. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loadgen.errors import LoadRefused
from loadgen.replay.times import TimeReader
from pipeline.contract.codec import AdEvent
from pipeline.contract.rules import invalid_fields
from pipeline.shared.checked_yaml.scalars import nearest

REQUIRED = ("event_time", "campaign_id")
UNKNOWN = "unknown"
"""What a text is that no column gives."""
TEXTS = ("campaign_id", "category", "ad_id", "user_id", "placement", "device")
FIELDS = ("event_time", "event_type", *TEXTS)
TRUE, FALSE = ("1", "true", "t", "yes", "y"), ("0", "false", "f", "no", "n", "")
_TYPES = {"impression": False, "view": False, "click": True}


class UnmappableError(ValueError):
    """A row can't become an event; the message says which column and why."""


@dataclass(frozen=True)
class LogEvent:
    """A row: one event, or an impression and its click where ``clicked``. ``event`` has no id yet."""

    event: AdEvent
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

    def refuse_unknown(self, available: Sequence[str]) -> None:
        """Raises LoadRefused if a column is not among those of the log."""
        wanted = {f"--map {field}={column}": column for field, column in self.columns.items()}
        if self.clicked is not None:
            wanted[f"--clicked {self.clicked}"] = self.clicked
        for option, column in wanted.items():
            found = available.count(column)
            if found != 1:
                what = "no such column" if not found else f"{found} columns of that name"
                raise LoadRefused(f"{option}: {what}; {nearest(column, available)}there are {', '.join(available)}")

    def event_of(self, values: Mapping[str, Any]) -> LogEvent:
        """Raises UnmappableError."""
        texts = {field: self._text(field, values) for field in TEXTS}
        event = AdEvent(
            event_id="0",
            event_type="CLICK" if self._is_click(values) else "IMPRESSION",
            event_time=self._time(values),
            **texts,
        )
        reason = invalid_fields(event)
        if reason is not None:
            raise UnmappableError(reason)
        clicked = self._clicked(values)
        if clicked and event.event_type == "CLICK":
            raise UnmappableError(f"{self.clicked} is true in a row that is a click itself")
        return LogEvent(event, clicked)

    def _time(self, values: Mapping[str, Any]) -> int:
        column = self.columns["event_time"]
        value = values.get(column)
        if value is None or value == "":
            raise UnmappableError(f"{column} is empty")
        try:
            return self.read_time(value)
        except ValueError as error:
            raise UnmappableError(f"{column}={error}") from None

    def _text(self, field: str, values: Mapping[str, Any]) -> str:
        if field not in self.columns:
            return UNKNOWN
        column = self.columns[field]
        value = values.get(column)
        if value is None or value == "":
            if field in REQUIRED:
                raise UnmappableError(f"{column} is empty")
            return UNKNOWN
        if isinstance(value, bool | list | dict):
            raise UnmappableError(f"{column}={value!r} is neither a text nor a number")
        return str(value)

    def _is_click(self, values: Mapping[str, Any]) -> bool:
        if "event_type" not in self.columns:
            return False
        column = self.columns["event_type"]
        value = values.get(column)
        if str(value).lower() not in _TYPES:
            raise UnmappableError(f"{column}={value!r} is none of {', '.join(_TYPES)}")
        return _TYPES[str(value).lower()]

    def _clicked(self, values: Mapping[str, Any]) -> bool:
        value = None if self.clicked is None else values.get(self.clicked)
        word = "" if value is None else str(value).strip().lower()
        if word in TRUE:
            return True
        if word in FALSE:
            return False
        raise UnmappableError(f"{self.clicked}={value!r} is neither true ({', '.join(TRUE)}) nor false (0, false, …)")
