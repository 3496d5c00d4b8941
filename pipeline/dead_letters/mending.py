"""Is a repaired event an event? The contract's own rules, against the record time of its origin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.contract.codec import EVENT_TYPES, AdEvent
from pipeline.contract.rules import Fate, fate_of_valid, invalid_event, reason_of_times

_FIELDS = AdEvent._fields
_DEFAULTS = {"placement": "unknown", "device": "unknown", "impression_id": None}


class StillInvalid(ValueError):
    """The event can't be counted as it is; the message says what is wrong with it."""


@dataclass(frozen=True)
class Mended:
    """An event that is valid beside the record time of its origin."""

    partition: int
    offset: int
    record_time_ms: int
    reason: str
    """Why the record was rejected."""
    event: AdEvent
    late: bool


def event_of(fields: Mapping[str, Any]) -> AdEvent:
    """The event with these fields; absent ones take the schema's default. Raises StillInvalid."""
    unknown = sorted(set(fields) - set(_FIELDS))
    if unknown:
        raise StillInvalid(f"unknown field {unknown[0]!r}: allowed are {', '.join(_FIELDS)}")
    values = _DEFAULTS | dict(fields)
    for name in _FIELDS:
        if name not in values:
            raise StillInvalid(f"{name} is missing")
        value = values[name]
        if name == "event_time":
            if type(value) is not int:
                raise StillInvalid(f"event_time is {value!r}: must be whole milliseconds since the epoch")
        elif not (isinstance(value, str) or (name == "impression_id" and value is None)):
            raise StillInvalid(f"{name} is {value!r}: must be a text")
    if values["event_type"] not in EVENT_TYPES:
        raise StillInvalid(f"event_type is {values['event_type']!r}: allowed are {', '.join(EVENT_TYPES)}")
    return AdEvent(**values)


def lateness_of(event: AdEvent, record_time_ms: int, allowed_lateness_seconds: int) -> bool:
    """Whether a repaired event is late. Raises StillInvalid where it is no valid event beside the record time."""
    unspeakable = [name for name in _FIELDS if not _is_text(getattr(event, name))]
    reason = f"{unspeakable[0]} is not valid Unicode" if unspeakable else invalid_event(event)
    if reason is not None:
        raise StillInvalid(reason)
    fate = fate_of_valid(event.event_time, record_time_ms, allowed_lateness_seconds)
    if fate is Fate.INVALID:
        raise StillInvalid(reason_of_times(record_time_ms))
    return fate is Fate.LATE


def _is_text(value: object) -> bool:
    """False for half a surrogate pair, which JSON can spell and UTF-8 can't."""
    try:
        str(value).encode()
    except UnicodeEncodeError:
        return False
    return True
