"""Ways in which a record's value can be bad, made from a good one. Pure."""

from __future__ import annotations

import struct
from collections.abc import Callable

from pipeline.contract.codec import HEADER, AdEvent, encode

_NO_SUCH_SCHEMA = 2_000_000_000
_DAY_MS = 86_400_000


def _varint(number: int) -> bytes:
    """Zigzag and base 128, as Avro writes int and long; for numbers ≥ -64."""
    rest, out = (number << 1) ^ (number >> 63), bytearray()
    while rest > 0x7F:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)


def _with_length(length: int) -> Callable[[AdEvent, bytes], bytes]:
    """Another length in place of the event id's, which has one byte."""
    return lambda _, good: good[: HEADER.size] + _varint(length) + good[HEADER.size + 1 :]


def _type_index(index: bytes) -> Callable[[AdEvent, bytes], bytes]:
    """Another index in place of the event type's, which stands behind the event id."""

    def spoil(event: AdEvent, good: bytes) -> bytes:
        at = HEADER.size + 1 + len(event.event_id)
        return good[:at] + index + good[at + 1 :]

    return spoil


def _changed(**fields: str) -> Callable[[AdEvent, bytes], bytes]:
    return lambda event, good: encode(event._replace(**fields), HEADER.unpack_from(good)[1])  # type: ignore[arg-type]


KINDS: dict[str, Callable[[AdEvent, bytes], bytes]] = {
    "empty": lambda _event, _good: b"",
    "three bytes": lambda _, good: good[:3],
    "another magic byte": lambda _, good: b"\x01" + good[1:],
    "unknown schema id": lambda _, good: b"\x00" + struct.pack(">i", _NO_SUCH_SCHEMA) + good[HEADER.size :],
    "schema id 0": lambda _, good: bytes(HEADER.size) + good[HEADER.size :],
    "JSON": lambda event, _: f'{{"event_id": "{event.event_id}", "event_type": "CLICK"}}'.encode(),
    "cut in the middle": lambda _, good: good[: len(good) // 2],
    "cut before the end": lambda _, good: good[:-1],
    "a byte too many": lambda _, good: good + b"\x00",
    "declared length of 2 GB": _with_length((1 << 31) - 1),
    "negative length": _with_length(-1),
    "unknown event type": _type_index(_varint(7)),
    "number without an end": _type_index(b"\x80" * 11),
    "event id not UTF-8": lambda event, good: good.replace(event.event_id.encode()[:2], b"\xff\xfe", 1),
    "NUL in the event id": lambda event, good: good.replace(event.event_id.encode()[:1], b"\x00", 1),
    "a day ahead": lambda event, good: encode(
        event._replace(event_time=event.event_time + _DAY_MS), HEADER.unpack_from(good)[1]
    ),
    "empty campaign": _changed(campaign_id=""),
    "category of 300 bytes": _changed(category="c" * 300),
}
"""Name → (event, its good encoding) → the bad value. The event's id is ASCII and at most 63 bytes long."""
