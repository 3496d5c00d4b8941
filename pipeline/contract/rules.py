"""Classifies a record: counted, late, invalid or a tombstone.

Every rule is a function of the record alone (value, Kafka record time) and of two constants, never of a
clock or a watermark, so that both Flink jobs, the generator's ledger and a fold of the topic come to the
same answer, today and after any recovery. The Flink side of the same rules is in
``pipeline/flink_java`` (what can be seen in the bytes) and ``pipeline/source.py`` (what needs the record time).
"""

from __future__ import annotations

import re
from enum import StrEnum

from pipeline.contract.cache_schema import CANARY_PREFIX
from pipeline.contract.codec import AdEvent, DecodeError, Decoder
from pipeline.contract.reasons import Reason

EARLIEST_EVENT_TIME_MS = 946_684_800_000
"""2000-01-01T00:00Z."""
LATEST_EVENT_TIME_MS = 253_402_300_799_999
"""9999-12-31T23:59:59.999Z: the last instant that every store can hold."""
EARLIEST_RECORD_TIME_MS = 0
"""1970-01-01T00:00Z. Kafka's brokers take -1, "no time", whatever their bounds for record times are."""
LATEST_RECORD_TIME_MS = 253_370_764_799_999
"""9998-12-31T23:59:59.999Z: every store can hold the day after it, too."""
MAX_AHEAD_MS = 60_000
"""How far an event time may lie ahead of its record time."""
MAX_NAME_BYTES = 256
"""Longest event_id, campaign_id and category, in bytes of UTF-8."""
CANARY_CAMPAIGN = re.compile(f"{CANARY_PREFIX}-[0-9]{{1,9}}")
"""The campaigns of canaries, one for each partition; their category is the prefix alone."""
NO_CANARY = f"campaign_id or category begins with {CANARY_PREFIX}, and the event is no canary"
"""Readers leave canaries out by their category: the name of one may not stand beside another campaign or category."""


class Fate(StrEnum):
    """Where a record ends."""

    COUNTED = "counted"
    LATE = "late"
    INVALID = "invalid"
    TOMBSTONE = "tombstone"


def invalid_fields(event: AdEvent) -> str | None:
    """Why an event is invalid whatever its record time, or None."""
    for name in ("event_id", "campaign_id", "category"):
        size = len(getattr(event, name).encode())
        if size == 0:
            return f"{name} is empty"
        if size > MAX_NAME_BYTES:
            return f"{name} is longer than {MAX_NAME_BYTES} bytes"
    for name in ("event_id", "user_id", "ad_id", "campaign_id", "category", "placement", "device", "impression_id"):
        if "\x00" in (getattr(event, name) or ""):
            return f"{name} contains NUL"
    if not EARLIEST_EVENT_TIME_MS <= event.event_time <= LATEST_EVENT_TIME_MS:
        return "event_time is out of range"
    return None


def record_time_in_range(record_time_ms: int) -> bool:
    """Whether the Kafka record time is a time that every store can hold."""
    return EARLIEST_RECORD_TIME_MS <= record_time_ms <= LATEST_RECORD_TIME_MS


def invalid_event(event: AdEvent) -> str | None:
    """Why an event is invalid whatever its record time, or None: by its fields, or as a false canary."""
    return invalid_fields(event) or (NO_CANARY if is_no_canary(event.campaign_id, event.category) else None)


def invalid_reason(event: AdEvent) -> str | None:
    """As `invalid_event`, with the code in front."""
    words = invalid_event(event)
    if words is None:
        return None
    return (Reason.FALSE_CANARY if words == NO_CANARY else Reason.NOT_AN_EVENT).of(words)


def is_no_canary(campaign_id: str, category: str) -> bool:
    """Whether a campaign or a category is named like a canary's, and the two together are not those of one."""
    claims = campaign_id.startswith(CANARY_PREFIX) or category.startswith(CANARY_PREFIX)
    return claims and not (category == CANARY_PREFIX and CANARY_CAMPAIGN.fullmatch(campaign_id))


def fate_of_valid(event_time_ms: int, record_time_ms: int, allowed_lateness_seconds: int) -> Fate:
    """Fate of an event whose fields are valid, by its two times alone."""
    if not record_time_in_range(record_time_ms) or event_time_ms > record_time_ms + MAX_AHEAD_MS:
        return Fate.INVALID
    if event_time_ms < record_time_ms - allowed_lateness_seconds * 1000:
        return Fate.LATE
    return Fate.COUNTED


def reason_of_times(record_time_ms: int) -> str:
    """Why an event whose fields are valid is invalid beside its record time."""
    if not record_time_in_range(record_time_ms):
        return "the record time is out of range"
    return f"event_time is more than {MAX_AHEAD_MS // 1000} s ahead of the record time"


def code_of_times(record_time_ms: int) -> Reason:
    """The code of `reason_of_times`."""
    return Reason.EVENT_TIME_AHEAD if record_time_in_range(record_time_ms) else Reason.RECORD_TIME


def classify(
    value: bytes | None, record_time_ms: int, decoder: Decoder, allowed_lateness_seconds: int
) -> tuple[Fate, AdEvent | None, str | None]:
    """Fate of a record, its event where it decodes, and the reason (`Reason`) where it isn't counted.

    The order is fixed, so that every reader gives the same reason: tombstone, undecodable, invalid
    fields, a false canary, record time out of range, event time ahead of record time, late. An invalid record
    that decodes keeps its event. Raises RegistryUnavailable, which says nothing about the record.
    """
    if value is None:
        return Fate.TOMBSTONE, None, None
    try:
        event = decoder.decode(value)
    except DecodeError as error:
        return Fate.INVALID, None, error.reason.of(str(error))
    reason = invalid_reason(event)
    if reason is not None:
        return Fate.INVALID, event, reason
    fate = fate_of_valid(event.event_time, record_time_ms, allowed_lateness_seconds)
    if fate is Fate.INVALID:
        return fate, event, code_of_times(record_time_ms).of(reason_of_times(record_time_ms))
    return fate, event, Reason.LATE if fate is Fate.LATE else None
