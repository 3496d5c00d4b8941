"""A letter: the rejected record as it was, where it came from, and why it was rejected."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.contract import letter_headers as names

Headers = Iterable[tuple[str, bytes | None]]


@dataclass(frozen=True)
class Letter:
    """``partition``, ``offset`` and ``record_time_ms`` are the rejected record's, ``headers`` those that are not about
    the rejection; ``letter_offset`` is the letter's own place in its topic. ``shortened`` is the record's size in bytes
    where the letter has only the beginning of it."""

    topic: str
    partition: int
    offset: int
    record_time_ms: int
    reason: str
    stage: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    letter_offset: int
    shortened: int | None = None

    @property
    def origin(self) -> tuple[int, int]:
        """(partition, offset): what replay and reconciliation know the record by."""
        return self.partition, self.offset


def letter_of(key: bytes | None, value: bytes | None, headers: Headers, letter_offset: int) -> Letter | None:
    """The letter that a record of a letter topic is; None where its headers name no origin."""
    about: dict[str, str] = {}
    others: list[tuple[str, bytes | None]] = []
    for name, content in headers:
        if name.startswith(names.PREFIX):
            about[name] = (content or b"").decode(errors="replace")
        else:
            others.append((name, content))
    try:
        return Letter(
            about[names.TOPIC],
            int(about[names.PARTITION]),
            int(about[names.OFFSET]),
            int(about[names.TIMESTAMP]),
            about.get(names.MESSAGE, ""),
            about.get(names.STAGE, ""),
            key,
            value,
            tuple(others),
            letter_offset,
            int(about.get(names.SHORTENED, "0")) or None,
        )
    except (KeyError, ValueError):
        return None
