"""How a log writes its times: a reader for each ``--time-format``. A time without a zone is UTC."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from loadgen.errors import LoadRefused

TimeReader = Callable[[Any], int]
"""A value of a row → ms since the epoch. Raises ValueError with what is wrong with it."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_FARTHEST_MS = 1 << 62


def time_reader(time_format: str) -> TimeReader:
    """``iso``, ``epoch_s``, ``epoch_ms`` or a strptime pattern. Raises LoadRefused."""
    if time_format == "iso":
        return lambda value: _ms_of(_parsed(value, datetime.fromisoformat, "ISO 8601"))
    if time_format in ("epoch_s", "epoch_ms"):
        per_unit = 1000 if time_format == "epoch_s" else 1
        return lambda value: _epoch_ms(value, per_unit)
    _refuse_pattern(time_format)
    return lambda value: _ms_of(_parsed(value, lambda text: datetime.strptime(text, time_format), time_format))  # noqa: DTZ007 - `_ms_of` adds the zone


def _refuse_pattern(pattern: str) -> None:
    problem = "" if "%" in pattern else "it has no %"
    try:
        datetime.strptime("", pattern)  # noqa: DTZ007 - only the pattern is of interest
    except ValueError as error:
        # The empty text fits no pattern; a bad pattern is told apart by its message alone.
        if "bad directive" in str(error) or "stray %" in str(error):
            problem = str(error)
    if problem:
        raise LoadRefused(
            f"--time-format {pattern}: {problem}; must be iso, epoch_s, epoch_ms or a strptime pattern, "
            "for example %Y-%m-%d %H:%M:%S"
        )


def _parsed(value: Any, parse: Callable[[str], datetime], wanted: str) -> datetime:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not a text in the format {wanted}")
    try:
        return parse(value.strip())
    except ValueError:
        raise ValueError(f"{value!r} is not in the format {wanted}") from None


def _ms_of(moment: datetime) -> int:
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // _MILLISECOND


def _epoch_ms(value: Any, per_unit: int) -> int:
    try:
        number = Decimal(value.strip()) if isinstance(value, str) else Decimal(repr(value))
        milliseconds = number * per_unit
        if milliseconds.is_finite() and abs(milliseconds) < _FARTHEST_MS:
            return int(milliseconds)
    except InvalidOperation:
        pass
    raise ValueError(f"{value!r} is not a number of {'s' if per_unit == 1000 else 'ms'} since 1970")
