"""A log file → rows with their line numbers: CSV or JSON Lines, plain or gzip, told apart by their first bytes.

Whatever is wrong with a line becomes a `Rejected` in its place; reading goes on behind it.
"""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from loadgen.errors import LoadRefused

LONGEST_LINE = 1 << 20
"""In characters. What is longer is no row but a file of another kind."""
_GZIP_MAGIC = b"\x1f\x8b"
_ROWS_THAT_SHOW_THE_KEYS = 100


@dataclass(frozen=True)
class Row:
    """One row: its values by column, and the line it begins on, from 1. JSON keeps its types."""

    line: int
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Rejected:
    """A row that can't be used, and why."""

    line: int
    reason: str


@dataclass(frozen=True)
class Log:
    """An open log: its columns, and its rows, which can be read once."""

    columns: tuple[str, ...]
    rows: Iterator[Row | Rejected]


def open_log(path: Path, delimiter: str = ",") -> Log:
    """Opens a log. Raises LoadRefused if the file can't be read, is empty, or has a header and nothing else."""
    try:
        lines = _Lines(path)
        first = next((line for line in lines if line.strip()), None)
    except OSError as error:
        raise LoadRefused(f"{path}: can't be read ({error.strerror or error})") from error
    if first is None:
        reason = f" ({lines.trouble[0].reason})" if lines.trouble else ""
        raise LoadRefused(f"{path}: is empty{reason}; a log has one row at least")
    if first.lstrip().startswith("{"):
        return _json_log(path, first, lines)
    return _csv_log(path, first, lines, delimiter)


class _Lines:
    """The file's lines as text; a byte that is not UTF-8 becomes a lone surrogate, which `_not_utf8` finds.

    ``number`` is that of the last line given out, ``first_of_row`` of the first one since it was set to 0. What went
    wrong between two lines is in ``trouble``.
    """

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            zipped = file.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
        binary: Any = gzip.open(path) if zipped else path.open("rb")  # noqa: SIM115 - open as long as its rows are read
        self._text = io.TextIOWrapper(binary, encoding="utf-8-sig", errors="surrogateescape", newline="")
        self.number = 0
        self.first_of_row = 0
        self.trouble: list[Rejected] = []

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        while True:
            line = self._read()
            if not line:
                raise StopIteration
            self.number += 1
            if len(line) < LONGEST_LINE or line.endswith("\n"):
                self.first_of_row = self.first_of_row or self.number
                return line
            self._skip_the_rest()
            reason = f"is longer than {LONGEST_LINE:,} characters: no row of a log"
            self.trouble.append(Rejected(self.number, reason))

    def _read(self) -> str:
        try:
            return self._text.readline(LONGEST_LINE)
        except EOFError:
            reason = "the gzip data break off here: the file was cut, or is still being written"
        except (zlib.error, gzip.BadGzipFile) as error:
            reason = f"the gzip data are damaged from here on ({error})"
        self.trouble.append(Rejected(self.number + 1, reason))
        return ""

    def _skip_the_rest(self) -> None:
        while (line := self._read()) and not line.endswith("\n"):
            pass

    def take_trouble(self) -> list[Rejected]:
        """What went wrong since the last call."""
        found, self.trouble = self.trouble, []
        return found


def _json_log(path: Path, first: str, lines: _Lines) -> Log:
    rows = _json_rows(first, lines)
    shown = list(itertools.islice(rows, _ROWS_THAT_SHOW_THE_KEYS))
    keys = dict.fromkeys(key for row in shown if isinstance(row, Row) for key in row.values)
    if not keys:
        reason = next((f"line {row.line} {row.reason}" for row in shown if isinstance(row, Rejected)), "no line")
        raise LoadRefused(f"{path}: none of its first {len(shown)} lines is an object with keys; {reason}")
    return Log(tuple(keys), itertools.chain(shown, rows))


def _json_rows(first: str, lines: _Lines) -> Iterator[Row | Rejected]:
    for line in itertools.chain((first,), lines):
        number = lines.number
        yield from lines.take_trouble()
        if line.strip():
            yield _json_row(number, line)
    yield from lines.take_trouble()


def _json_row(number: int, line: str) -> Row | Rejected:
    try:
        value = orjson.loads(line.encode("utf-8", "surrogateescape"))
    except orjson.JSONDecodeError as error:
        return Rejected(number, f"is not JSON: {error}")
    if not isinstance(value, dict):
        return Rejected(number, "is JSON, but no object")
    return Row(number, value)


def _csv_log(path: Path, first: str, lines: _Lines, delimiter: str) -> Log:
    reader = csv.reader(itertools.chain((first,), lines), delimiter=delimiter)
    try:
        header = next(reader)
    except csv.Error as error:
        raise LoadRefused(f"{path}: line 1 is no header ({error})") from error
    if any(map(_not_utf8, header)):
        raise LoadRefused(f"{path}: its first line is not UTF-8; a log is text, plain or gzip")
    rows = _csv_rows(reader, header, lines)
    first_row = next(rows, None)
    if first_row is None:
        raise LoadRefused(f"{path}: has a header ({', '.join(header)}) and no row")
    return Log(tuple(header), itertools.chain((first_row,), rows))


def _csv_rows(reader: Iterator[list[str]], header: list[str], lines: _Lines) -> Iterator[Row | Rejected]:
    while True:
        lines.first_of_row = 0
        try:
            values = next(reader)
        except StopIteration:
            yield from lines.take_trouble()
            return
        except csv.Error as error:
            yield Rejected(lines.first_of_row, f"is not CSV: {error}; the rest is read from line {lines.number + 1} on")
            continue
        yield from lines.take_trouble()
        if values:
            yield _csv_row(lines.first_of_row, values, header)


def _csv_row(begins: int, values: list[str], header: list[str]) -> Row | Rejected:
    if len(values) != len(header):
        return Rejected(begins, f"has {len(values)} columns, the header {len(header)}")
    for column, value in zip(header, values, strict=True):
        if _not_utf8(value):
            return Rejected(begins, f"{column} is not UTF-8")
    return Row(begins, dict(zip(header, values, strict=True)))


def _not_utf8(text: str) -> bool:
    return not text.isascii() and any("\udc80" <= each <= "\udcff" for each in text)
