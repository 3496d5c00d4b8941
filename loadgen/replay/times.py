"""How a log writes its times: a reader for each ``--time-format``. A time without a zone is UTC."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from loadgen.replay.rows import shown
from loadgen.replay.time_pattern import pattern_reader
from pipeline.contract.rules import EARLIEST_EVENT_TIME_MS, LATEST_EVENT_TIME_MS

TimeReader = Callable[[Any], int]
"""A value of a row → ms since the epoch. Raises ValueError with what is wrong with it."""

UNITS_PER_SECOND = {"epoch_s": 1, "epoch_ms": 1_000, "epoch_us": 1_000_000, "epoch_ns": 1_000_000_000}
_UNIT_NAMES = {"epoch_s": "s", "epoch_ms": "ms", "epoch_us": "µs", "epoch_ns": "ns"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_FARTHEST = 10**21
_LATEST_GUESS_MS = 4_102_444_800_000
"""2100: a time that a log of today may have."""
_LONGEST_NUMBER = 40
_ISO = re.compile(
    r"(\d{4}-\d\d-\d\d|\d{8}(?=[Tt]))(?:[Tt ](\d\d:?\d\d(?::?\d\d(?:[.,]\d+)?)?) ?(Z|z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII,
)


def time_reader(time_format: str, *, relative: bool = False) -> TimeReader:
    """``iso``, ``epoch_s``, ``_ms``, ``_us``, ``_ns`` or a strptime pattern. Raises LoadRefused.

    ``relative``: numbers may count from the log's own beginning, for only the gaps between rows matter.
    """
    if time_format == "iso":
        return lambda value: _ms_of(_parsed(value, _iso, "ISO 8601"), value)
    if time_format in UNITS_PER_SECOND:
        return _NumberReader(time_format, relative)
    parse = pattern_reader(time_format)
    # A pattern of digits alone, YYMMDDHH say, is a number in JSON.
    return lambda value: _ms_of(_parsed(_as_text(value), parse, time_format), value)


def _as_text(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value) if type(value) is int else value


def _iso(text: str) -> datetime:
    """The parts of ISO 8601 that can be told from other notations: Python's own reader takes any separator."""
    found = _ISO.fullmatch(text)
    if found is None:
        raise ValueError(text)
    day, clock, zone = found.groups()
    if clock is None:
        return datetime.fromisoformat(day)
    if zone is not None and not zone.startswith(("+", "-")):
        zone = "+00:00"
    return datetime.fromisoformat(f"{day}T{clock}{zone or ''}")


def _parsed(value: Any, parse: Callable[[str], datetime], wanted: str) -> datetime:
    if not isinstance(value, str):
        raise ValueError(f"{shown(value)} is not a text in the format {wanted}")
    try:
        return parse(value.strip())
    except (ValueError, OverflowError):
        leap = " (a leap second, which no clock of a computer has)" if ":60" in value else ""
        raise ValueError(f"{shown(value)} is not in the format {wanted}{leap}") from None


def _ms_of(moment: datetime, value: Any) -> int:
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    milliseconds = (moment - _EPOCH) // _MILLISECOND
    if not EARLIEST_EVENT_TIME_MS <= milliseconds <= LATEST_EVENT_TIME_MS:
        raise ValueError(f"{shown(value)} is out of range: the years 2000 to 9999")
    return milliseconds


class _NumberReader:
    """Numbers of one unit since 1970.

    If ``relative_allowed`` and the first number is none of those years, they count from the log's own beginning.
    """

    def __init__(self, time_format: str, relative_allowed: bool) -> None:
        self._format = time_format
        self._per_second = UNITS_PER_SECOND[time_format]
        self._relative_allowed = relative_allowed
        self._relative: bool | None = None

    def __call__(self, value: Any) -> int:
        number = self._number(value)
        milliseconds = int(number * 1000 // self._per_second)
        if EARLIEST_EVENT_TIME_MS <= milliseconds <= LATEST_EVENT_TIME_MS:
            self._relative = bool(self._relative)
            return milliseconds
        likely = self._likely_unit(number)
        small = abs(milliseconds) < EARLIEST_EVENT_TIME_MS
        if self._relative is None and self._relative_allowed and likely is None:
            self._relative = small
        if self._relative and small:
            return milliseconds
        hint = f"; is it {likely}?" if likely else ""
        raise ValueError(f"{shown(value)} is out of range as {self._format}: the years 2000 to 9999{hint}")

    def _number(self, value: Any) -> int | Decimal:
        try:
            text = value.strip() if isinstance(value, str) else repr(value)
            if len(text) <= _LONGEST_NUMBER:
                number = int(text) if text.isdecimal() else Decimal(text)
                if isinstance(number, int) or (number.is_finite() and abs(number) < _FARTHEST):
                    return number
        except ArithmeticError:
            pass
        raise ValueError(f"{shown(value)} is not a number of {_UNIT_NAMES[self._format]} since 1970")

    def _likely_unit(self, number: int | Decimal) -> str | None:
        """The unit in which the number would be a time of today."""
        for name, per_second in UNITS_PER_SECOND.items():
            guess = number * 1000 // per_second
            if name != self._format and EARLIEST_EVENT_TIME_MS <= guess <= _LATEST_GUESS_MS:
                return name
        return None
