"""Builds the test vectors of the contract: awkward records, and what must become of each.

``python -m tests.vectors.make_records`` rewrites ``records.json``. The bytes are put together by hand, not by the
codec they test. `build` gives the same records around another time and schema id, for a real topic.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

RECORDS_FILE = Path(__file__).with_name("records.json")
BASE_MS = 1_700_000_000_000
SCHEMA_ID = 1
UNKNOWN_SCHEMA_ID = 2_000_000_000
ALLOWED_LATENESS_SECONDS = 600
LONG_MIN, LONG_MAX = -(1 << 63), (1 << 63) - 1


@dataclass(frozen=True)
class Vector:
    """One record: its value in hex (None for a tombstone), its record time, and what becomes of it.

    ``reason`` is the text by which Python explains the fate; another implementation may word it differently.
    """

    name: str
    value: str | None
    record_time_ms: int
    fate: str
    reason: str | None


def varint(number: int) -> bytes:
    """Zigzag and base 128, as Avro writes int and long."""
    rest = (number << 1) ^ (number >> 63)
    rest &= (1 << 64) - 1
    out = bytearray()
    while rest > 0x7F:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)


def text(value: str | bytes) -> bytes:
    """A string: length in bytes, then the bytes, valid UTF-8 or not."""
    raw = value.encode() if isinstance(value, str) else value
    return varint(len(raw)) + raw


@dataclass(frozen=True)
class Parts:
    """The encoded fields of an event; replace one to spoil it."""

    header: bytes
    event_id: bytes
    event_type: bytes
    event_time: bytes
    user_id: bytes
    ad_id: bytes
    campaign_id: bytes
    category: bytes
    placement: bytes
    device: bytes
    impression_id: bytes


class Builder:
    """Makes the records around one time and one schema id."""

    def __init__(self, base_ms: int, schema_id: int) -> None:
        self.base_ms = base_ms
        self.good = {
            "header": b"\x00" + schema_id.to_bytes(4, "big"),
            "event_id": text("vect-000"),
            "event_type": varint(0),
            "event_time": varint(base_ms),
            "user_id": text("user-1"),
            "ad_id": text("ad-1"),
            "campaign_id": text("vector-campaign"),
            "category": text("vector-category"),
            "placement": text("feed"),
            "device": text("mobile"),
            "impression_id": varint(0),
        }
        self.vectors: list[Vector] = []

    def bytes_of(self, **parts: bytes) -> bytes:
        """A whole value with some of its parts replaced; each has an event id of its own."""
        own = {"event_id": text(f"vect-{len(self.vectors):03d}")}
        return b"".join({**self.good, **own, **parts}.values())

    def add(self, name: str, value: bytes | None, fate: str, reason: str | None = None) -> None:
        """One more record at the base time."""
        self.vectors.append(Vector(name, None if value is None else value.hex(), self.base_ms, fate, reason))

    def counted(self, name: str, **parts: bytes) -> None:
        """A record that counts."""
        self.add(name, self.bytes_of(**parts), "counted")

    def invalid(self, name: str, reason: str, **parts: bytes) -> None:
        """A record that is invalid for a reason."""
        self.add(name, self.bytes_of(**parts), "invalid", reason)


def build(base_ms: int = BASE_MS, schema_id: int = SCHEMA_ID) -> list[Vector]:
    """All vectors, with record times of ``base_ms`` and ``schema_id`` as the id of the known schema."""
    builder = Builder(base_ms, schema_id)
    _counted(builder)
    _framing(builder)
    _truncated(builder)
    _malformed(builder)
    _strings(builder)
    _times(builder)
    _canaries(builder)
    return builder.vectors


def _counted(builder: Builder) -> None:
    builder.counted("plain impression")
    builder.counted("click with its impression", event_type=varint(1), impression_id=varint(1) + text("vector-0"))
    builder.counted("click without an impression", event_type=varint(1))
    builder.counted("empty optional strings", user_id=text(""), ad_id=text(""), placement=text(""), device=text(""))
    builder.counted("name of 256 bytes", campaign_id=text("c" * 256))
    builder.counted("name of 256 bytes in 128 characters", category=text("é" * 128))
    builder.counted("name of 256 bytes in 64 characters", event_id=text("😀" * 64))
    builder.counted("control characters, HTML and SQL", category=text("<b>\t\x01'; DROP TABLE x; --"))
    builder.counted("user of 5000 bytes", user_id=text("u" * 5000))
    builder.counted("number longer than needed", event_type=b"\x80\x00")
    builder.counted("enum index 1 with a 33rd bit that is dropped", event_type=b"\x82\x80\x80\x80\x10")


def _framing(builder: Builder) -> None:
    builder.add("tombstone", None, "tombstone")
    for size in range(5):
        value = builder.bytes_of()[:size]
        builder.add(f"{size} bytes", value, "invalid", f"too short: {size} bytes, the header alone has 5")
    builder.invalid("magic byte 1", "magic byte is 1, not 0", header=b"\x01" + builder.good["header"][1:])
    builder.invalid("magic byte 255", "magic byte is 255, not 0", header=b"\xff" + builder.good["header"][1:])
    for schema_id in (UNKNOWN_SCHEMA_ID, 0, -1):
        header = b"\x00" + schema_id.to_bytes(4, "big", signed=True)
        builder.invalid(f"schema id {schema_id}", f"unknown schema id {schema_id}", header=header)
    as_json = b'{"event_id": "vector-1", "event_type": "CLICK"}'
    builder.add("JSON instead of Avro", as_json, "invalid", "magic byte is 123, not 0")
    after_header = builder.good["header"] + as_json
    builder.add("JSON behind a header", after_header, "invalid", "a length is negative (-62)")
    builder.add("header only", builder.good["header"], "invalid", "truncated")


def _truncated(builder: Builder) -> None:
    before_time = builder.bytes_of().index(builder.good["event_time"])
    cuts = {
        "in the first string": (9, "a length of 8 bytes is declared where 3 are left"),
        "before the event type": (before_time - 1, "truncated"),
        "before the event time": (before_time, "truncated"),
        "inside the event time": (before_time + 3, "truncated"),
        "before the union": (-1, "truncated"),
    }
    for name, (cut, reason) in cuts.items():
        builder.add(f"truncated {name}", builder.bytes_of()[:cut], "invalid", reason)
    click = builder.bytes_of(impression_id=varint(1) + text("vector-0"))
    builder.add(
        "truncated in the last string", click[:-1], "invalid", "a length of 8 bytes is declared where 7 are left"
    )


def _malformed(builder: Builder) -> None:
    whole = builder.bytes_of()
    builder.add("one trailing byte", whole + b"\x00", "invalid", "1 bytes behind the event")
    builder.add("event doubled", whole + whole[5:], "invalid", f"{len(whole) - 5} bytes behind the event")
    for index in (2, -1, -2):
        reason = f"enum index {index} is not one of 0 to 1"
        builder.invalid(f"enum index {index}", reason, event_type=varint(index))
        reason = f"union index {index} is not one of 0 to 1"
        builder.invalid(f"union index {index}", reason, impression_id=varint(index) + text("vector-0"))
    left = len(builder.bytes_of()) - 5 - len(builder.good["event_id"]) + len(b"vector-1")
    huge = varint(2_000_000_000)
    builder.invalid(
        "declared length of 2 GB",
        f"a length of 2000000000 bytes is declared where {left} are left",
        event_id=huge + b"vector-1",
    )
    builder.invalid(
        "declared length of 8 EB",
        f"a length of {LONG_MAX} bytes is declared where {left} are left",
        event_id=varint(LONG_MAX) + b"vector-1",
    )
    builder.invalid("negative length", "a length is negative (-1)", ad_id=varint(-1))
    builder.invalid("most negative length", f"a length is negative ({LONG_MIN})", ad_id=varint(LONG_MIN))
    endless = b"\x80" * 10 + b"\x01"
    builder.invalid("number of 11 bytes", "a number is longer than 10 bytes", event_time=endless)
    builder.invalid("enum index of 6 bytes", "an int is longer than 5 bytes", event_type=b"\x80\x80\x80\x80\x80\x00")


def _strings(builder: Builder) -> None:
    names = ("event_id", "campaign_id", "category")
    plain = ("user_id", "ad_id", "placement", "device")
    for name in names:
        builder.invalid(f"{name} empty", f"{name} is empty", **{name: text("")})
        too_long = f"{name} is longer than 256 bytes"
        builder.invalid(f"{name} of 257 bytes", too_long, **{name: text("n" * 257)})
        builder.invalid(f"{name} of 258 bytes in 129 characters", too_long, **{name: text("é" * 129)})
    for name in (*names, *plain):
        builder.invalid(f"{name} not UTF-8", "a string is not valid UTF-8", **{name: text(b"ab\xff\xfe")})
        builder.invalid(f"{name} with NUL", f"{name} contains NUL", **{name: text("ab\x00c")})
    click = varint(1)
    builder.invalid("impression_id not UTF-8", "a string is not valid UTF-8", impression_id=click + text(b"\xc3"))
    builder.invalid("impression_id with NUL", "impression_id contains NUL", impression_id=click + text("\x00"))
    for kind, raw in {
        "a lone surrogate": b"\xed\xa0\x80",
        "an overlong encoding": b"\xc0\x80",
        "a code point above 10FFFF": b"\xf4\x90\x80\x80",
        "a character cut short": b"\xf0\x9f\x98",
    }.items():
        builder.invalid(f"UTF-8 with {kind}", "a string is not valid UTF-8", category=text(raw))


def _times(builder: Builder) -> None:
    base = builder.base_ms
    lateness_ms = ALLOWED_LATENESS_SECONDS * 1000
    ahead = "event_time is more than 60 s ahead of the record time"
    builder.counted("1 minute ahead of record time", event_time=varint(base + 60_000))
    builder.invalid("1 minute and 1 ms ahead", ahead, event_time=varint(base + 60_001))
    builder.invalid("10 days ahead", ahead, event_time=varint(base + 10 * 86_400_000))
    builder.counted("exactly at the lateness bound", event_time=varint(base - lateness_ms))
    for name, event_time in {
        "1 ms beyond the lateness bound": base - lateness_ms - 1,
        "10 days late": base - 10 * 86_400_000,
        "first ms of 2000": 946_684_800_000,
    }.items():
        builder.add(name, builder.bytes_of(event_time=varint(event_time)), "late", "late")
    for name, event_time in {
        "last ms before 2000": 946_684_799_999,
        "epoch": 0,
        "seconds instead of ms": base // 1000,
        "microseconds instead of ms": base * 1000,
        "after the year 9999": 253_402_300_800_000,
        "smallest long": LONG_MIN,
        "largest long": LONG_MAX,
    }.items():
        builder.invalid(name, "event_time is out of range", event_time=varint(event_time))
    builder.invalid("last ms of the year 9999", ahead, event_time=varint(253_402_300_799_999))


def _canaries(builder: Builder) -> None:
    canary, campaign = text("_canary"), text("_canary-3")
    builder.counted("canary", campaign_id=campaign, category=canary)
    builder.counted("canary of a partition of nine digits", campaign_id=text("_canary-123456789"), category=canary)
    builder.counted("campaign that only contains a canary", campaign_id=text("my_canary-3"))
    builder.counted("campaign with another case", campaign_id=text("_Canary-3"), category=text("_CANARY"))
    none = "campaign_id or category begins with _canary, and the event is no canary"
    builder.invalid("campaign of a canary, category of none", none, campaign_id=campaign)
    builder.invalid("category of a canary, campaign of none", none, category=canary)
    for name in (
        "_canary",
        "_canary-",
        "_canary-x",
        "_canary-3 ",
        "_canary-3\n",
        "_canary-٣",
        "_canary-1234567890",
        "_canarybird",
    ):
        builder.invalid(f"campaign {name!a} with a canary's category", none, campaign_id=text(name), category=canary)
    builder.invalid("category that goes on after a canary's", none, campaign_id=campaign, category=text("_canary-3"))
    ahead = varint(builder.base_ms + 60_001)
    builder.invalid("no canary, and ahead", none, campaign_id=campaign, event_time=ahead)


def main() -> None:
    """Rewrites ``records.json``."""
    document = {
        "about": "made by tests/vectors/make_records.py; value is the record's value in hex, null for a tombstone",
        "schema_id": SCHEMA_ID,
        "allowed_lateness_seconds": ALLOWED_LATENESS_SECONDS,
        "records": [asdict(vector) for vector in build()],
    }
    RECORDS_FILE.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
