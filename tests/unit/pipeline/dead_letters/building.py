"""Letters and values for the tests of dead letters."""

from __future__ import annotations

from pipeline.contract.codec import SCHEMA_TEXT, AdEvent, UnknownSchemaId, encode
from pipeline.dead_letters.letter import Letter

SCHEMA_ID = 7
NOON_MS = 1_767_268_800_000
EVENT = AdEvent("e-1", "CLICK", NOON_MS, "u", "a", "shoes", "sports", impression_id="i-1")
VALUE = encode(EVENT, SCHEMA_ID)


def fetch(schema_id: int) -> str:
    """A registry that knows one schema."""
    if schema_id != SCHEMA_ID:
        raise UnknownSchemaId(f"unknown schema id {schema_id}")
    return SCHEMA_TEXT


def letter(
    offset: int = 5, *, value: bytes = VALUE, record_time_ms: int = NOON_MS, reason: str = "Because", partition: int = 1
) -> Letter:
    """A letter of a record on ad-events."""
    headers = (("trace", b"t"), ("none", None))
    return Letter("ad-events", partition, offset, record_time_ms, reason, "VALUE_CONVERTER", b"k", value, headers, 0)
