"""How much of a record a dead letter (or the copy of a late event) keeps, so that it always fits into its topic.

The broker limits records by their size on the wire: one of 1 MB may unpack to hundreds. A letter is written
uncompressed, and one that nobody takes would restart the store job forever.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

MOST_LETTER_BYTES = 33_554_432
"""Largest letter, for its producer and its topic; far above the size of a batch of the events topic (1 MB)."""
MOST_RECORD_BYTES = MOST_LETTER_BYTES - 1_048_576
"""Largest record that a letter keeps as a whole; the rest is for the headers that a letter has besides."""
HEADER_BYTES = 16
"""Counted for each header beside its name and value: what its two lengths take at most."""
KEPT_BYTES = 65_536
"""Of a larger record's key, and of its value, the letter keeps so much of the beginning, and no header."""

Headers = Iterable[tuple[str, bytes | None]]


@dataclass(frozen=True)
class Kept:
    """What a letter has of its record; ``shortened`` is the record's size in bytes if that is not all of it."""

    key: bytes | None
    value: bytes | None
    headers: dict[str, bytes]
    shortened: int | None


def record_bytes(key: bytes | None, value: bytes | None, headers: dict[str, bytes]) -> int:
    """Size of a record, as far as a letter is concerned."""
    return len(key or b"") + len(value or b"") + sum(_header_bytes(*header) for header in headers.items())


def kept(key: bytes | None, value: bytes | None, headers: Headers) -> Kept:
    """What a letter has of a record: of its headers the last value of each name, where that is not null."""
    last = {name: content for name, content in dict(headers).items() if content is not None}
    size = record_bytes(key, value, last)
    if size <= MOST_RECORD_BYTES:
        return Kept(key, value, last, None)
    return Kept(_beginning(key), _beginning(value), {}, size)


def _header_bytes(name: str, content: bytes) -> int:
    return len(name.encode()) + len(content) + HEADER_BYTES


def _beginning(content: bytes | None) -> bytes | None:
    return None if content is None else content[:KEPT_BYTES]
