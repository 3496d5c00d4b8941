"""Rows of CSV and its kin: with or without a header, quoted or not, W3C's extended log format."""

from __future__ import annotations

import csv
import itertools
import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from loadgen.errors import LoadRefused
from loadgen.replay.columns import places
from loadgen.replay.rows import Layout, Line, Log, Rejected, Row
from loadgen.replay.source import LONGEST_LINE, Source, lines

MOST_LINES_OF_A_ROW = 100
"""A quote that is still open after so many lines was never meant as one."""
_SEP = re.compile(r'"?sep=(.)"?', re.IGNORECASE)
_FIELDS = "#fields:"


def open_csv(source: Source, blocks: Iterator[str], layout: Layout, wanted: Mapping[str, str]) -> Log:
    """Raises LoadRefused if there is no header, no wanted column or no row."""
    csv.field_size_limit(LONGEST_LINE)
    reader = _Reader(source.name, lines(source, blocks), layout, wanted)
    reader.read_header()
    rows = reader.rows()
    first = next(rows, None)
    if first is None:
        raise LoadRefused(f"{source.name}: has a header ({', '.join(reader.names)}) and no row")
    return Log(itertools.chain((first,), rows))


class _Reader:
    """``names``: the header, once it is read."""

    def __init__(self, file: str, items: Iterator[Line | Rejected], layout: Layout, wanted: Mapping[str, str]) -> None:
        self.names: list[str] = []
        self._file = file
        self._items = items
        self._again: deque[Line | Rejected] = deque()
        self._layout = layout
        self._delimiter = layout.delimiter or ","
        self._wanted = wanted
        self._w3c = False
        self._pick: Callable[[list[str]], dict[str, Any]] = dict.fromkeys
        self._unusable: str | None = None

    def read_header(self) -> None:
        """Takes all lines up to the header. Raises LoadRefused."""
        begun = False
        while (item := self._next()) is not None:
            if isinstance(item, Rejected):
                raise LoadRefused(f"{self._file}: line {item.line} {item.reason}")
            number, line = item
            if not line.strip() or (not begun and self._is_sep(number, line)):
                continue
            begun = True
            names = self._names_in(number, line)
            if names is not None:
                self.names = names
                self._pick = self._picker(names)
                return
        raise LoadRefused(f"{self._file}: has no header")

    def rows(self) -> Iterator[Row | Rejected]:
        """Every row behind the header."""
        quoted, w3c = self._layout.quoted, self._w3c
        while (item := self._next()) is not None:
            if isinstance(item, Rejected):
                yield item
                continue
            number, line = item
            if not line:
                continue
            if w3c and line.startswith("#"):
                self._directive(number, line)
            elif quoted and '"' in line:
                yield from self._quoted(number, line)
            else:
                yield self._row(number, line.split(self._delimiter))

    def _next(self) -> Line | Rejected | None:
        return self._again.popleft() if self._again else next(self._items, None)

    def _is_sep(self, number: int, line: str) -> bool:
        """Whether a line is Excel's own, which names the delimiter."""
        found = _SEP.fullmatch(line)
        if found is None:
            return False
        if self._layout.delimiter not in (None, found[1]):
            raise LoadRefused(f"{self._file}: line {number} says {line}; leave out --delimiter")
        self._delimiter = found[1]
        return True

    def _names_in(self, number: int, line: str) -> list[str] | None:
        """The column names, if this line ends the header. A row that belongs to the rows is kept for them."""
        if self._layout.columns is not None:
            names = list(self._layout.columns)
            if line.startswith("#") and line.count(self._delimiter) != len(names) - 1:
                return None
            self._again.appendleft((number, line))
            return names
        if line.lower().startswith(_FIELDS):
            self._begin_w3c()
            return line[len(_FIELDS) :].split()
        names = self._header(number, line)
        if not line.startswith("#") or self._has_all(names):
            return names
        names = self._header(number, line.lstrip("# "))
        return names if self._has_all(names) else None

    def _header(self, number: int, line: str) -> list[str]:
        if not self._layout.quoted:
            return [name.strip() for name in line.split(self._delimiter)]
        try:
            values = next(csv.reader(self._record([(number, line)]), delimiter=self._delimiter), [])
        except csv.Error as error:
            raise LoadRefused(f"{self._file}: line {number} is no header ({error})") from error
        return [name.strip() for name in values]

    def _has_all(self, names: list[str]) -> bool:
        try:
            places(self._wanted, names)
        except LoadRefused:
            return False
        return True

    def _begin_w3c(self) -> None:
        """Names are separated by spaces, values by tabs or spaces; the first row shows which."""
        self._w3c = True
        kept: list[Line | Rejected] = []
        while (item := self._next()) is not None:
            kept.append(item)
            if not isinstance(item, Rejected) and item[1] and not item[1].startswith("#"):
                if self._layout.delimiter is None:
                    self._delimiter = "\t" if "\t" in item[1] else " "
                break
        self._again.extendleft(reversed(kept))

    def _directive(self, number: int, line: str) -> None:
        if line.lower().startswith(_FIELDS):
            names = line[len(_FIELDS) :].split()
            self._unusable = None
            try:
                self._pick = self._picker(names)
                self.names = names
            except LoadRefused as error:
                self._unusable = f"the #Fields of line {number} lack a column: {error}"

    def _picker(self, names: list[str]) -> Callable[[list[str]], dict[str, Any]]:
        found = places(self._wanted, names)
        if not self._w3c and all(len(indexes) == 1 for indexes in found.values()):
            single = [(column, indexes[0]) for column, indexes in found.items()]
            return lambda values: {column: values[index] for column, index in single}

        def pick(values: list[str]) -> dict[str, Any]:
            parts = [[values[index] for index in indexes] for indexes in found.values()]
            if self._w3c:
                parts = [["" if value == "-" else value for value in each] for each in parts]
            return {column: " ".join(each) if all(each) else "" for column, each in zip(found, parts, strict=True)}

        return pick

    def _row(self, number: int, values: list[str]) -> Row | Rejected:
        if self._unusable is not None:
            return Rejected(number, self._unusable)
        if len(values) != len(self.names):
            return Rejected(number, f"has {len(values)} columns, the header {len(self.names)}")
        return Row(number, self._pick(values))

    def _quoted(self, number: int, line: str) -> Iterator[Row | Rejected]:
        """A row with quotes, which may go on over further lines.

        Where it does and can't be right, its first line is rejected and the others are read anew.
        """
        record: list[Line] = [(number, line)]
        reason = None
        try:
            values = next(csv.reader(self._record(record), delimiter=self._delimiter))
        except _OpenQuote as error:
            reason, values = f"{error}; --quoting none takes quotes for text", []
        except csv.Error as error:
            reason, values = f"is not CSV: {error}", []
        if len(record) > 1 and reason is None:
            if self._is_row(record[0][1]) and self._is_row(record[-1][1]):
                yield from (Rejected(each, _swallowed(record)) for each, _ in record)
                return
            if len(values) != len(self.names):
                reason = f"has {len(values)} columns with the lines up to {record[-1][0]}, the header {len(self.names)}"
        if reason is None:
            yield self._row(number, values)
        else:
            self._again.extendleft(reversed(record[1:]))
            yield Rejected(number, reason)

    def _record(self, record: list[Line]) -> Iterator[str]:
        """The lines of a row, as csv asks for them; those are added to the record. Raises _OpenQuote at the last."""
        yield record[0][1] + "\n"
        while len(record) < MOST_LINES_OF_A_ROW and (item := self._next()) is not None:
            if isinstance(item, Rejected):
                self._again.appendleft(item)
                break
            record.append(item)
            yield item[1] + "\n"
        raise _OpenQuote

    def _is_row(self, line: str) -> bool:
        """Whether a line has the columns of a row if its quotes are text."""
        return line.count(self._delimiter) == len(self.names) - 1


class _OpenQuote(csv.Error):
    """The text of a row ends within quotes."""

    def __str__(self) -> str:
        return "opens a quote that isn't closed"


def _swallowed(record: list[Line]) -> str:
    return (
        f"a quote in line {record[0][0]} is closed in line {record[-1][0]}, and both look like rows of their own: "
        "--quoting none takes quotes for text"
    )
