"""What a log consists of: rows, and what could not be read as one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Line = tuple[int, str]
"""A line's number, from 1, and its text without the line end."""
MOST_SHOWN = 80


class Row(NamedTuple):
    """One row: the wanted values by column, and the line on which it begins, from 1. JSON keeps its types."""

    line: int
    values: Mapping[str, Any]


class Rejected(NamedTuple):
    """A row that can't be used, and why."""

    line: int
    reason: str


@dataclass(frozen=True)
class Layout:
    """How a log is written. ``delimiter`` None: a comma, or what the file itself says.

    ``quoted`` False: quotes are text. ``columns``: the names of a file that has no header.
    """

    delimiter: str | None = None
    quoted: bool = True
    columns: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Log:
    """An open log, whose rows can be read once.

    ``never_seen``: the options whose column no row has had so far. Empty for CSV; for JSON it is final at the end.
    """

    rows: Iterator[Row | Rejected]
    never_seen: set[str] = field(default_factory=set)


def shown(value: object) -> str:
    """A value in a message: in quotes where it is text, and cut, for a log may hold a megabyte in each of them."""
    text = repr(value[: MOST_SHOWN + 1] if isinstance(value, str) else value)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"


def is_utf8(text: str) -> bool:
    """False if a byte of it was no UTF-8: such bytes are read as lone surrogates."""
    return text.isascii() or not any("\ud800" <= each <= "\udfff" for each in text)
