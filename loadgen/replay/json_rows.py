"""Rows of JSON: one object a line, or objects one behind the other, or an array of them.

orjson reads lines. The standard library reads again what orjson refuses: it takes NaN, whole numbers of any size and
bytes that are no UTF-8, so such a value costs a row only if the row's column is mapped. It also reads objects without
line ends between them and resumes behind a bad one, which ijson can't.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from loadgen.errors import LoadRefused
from loadgen.replay.columns import JOIN, no_such_column
from loadgen.replay.rows import Log, Rejected, Row
from loadgen.replay.source import BLOCK, LONGEST_LINE, Source, lines

_ROWS_THAT_SHOW_THE_KEYS = 10_000
_CHARS_THAT_SHOW_THE_KEYS = 16 << 20
_MOST_KEYS = 1_000
_EXACT = 1 << 53
"""From here on a float may stand for a whole number that it can't hold."""
_BETWEEN = re.compile(r"[\s,\[\]\x1e\ufeff]*")
_CUT_CHARS = 12
"""So near to its end a text may be cut rather than wrong: within a literal or an escape."""
_decode = json.JSONDecoder().raw_decode


def open_json(source: Source, blocks: Iterator[str], wanted: Mapping[str, str]) -> Log:
    """Raises LoadRefused if no object has a wanted column, as far as a poll ahead can say."""
    blocks, by_line = _has_object_lines(blocks)
    picker = _Picker(wanted)
    read = _by_line(source, blocks, picker) if by_line else _stream(source, blocks, picker)
    rows = iter(read)
    shown: list[Row | Rejected] = []
    while picker.unseen and len(shown) < _ROWS_THAT_SHOW_THE_KEYS and source.read_chars < _CHARS_THAT_SHOW_THE_KEYS:
        row = next(rows, None)
        if row is None:
            _refuse(source, picker, shown)
        else:
            shown.append(row)
    return Log(itertools.chain(shown, rows), picker.unseen)


def _refuse(source: Source, picker: _Picker, shown: list[Row | Rejected]) -> None:
    """Of a log that is at its end and lacks a column. Raises LoadRefused."""
    if picker.keys:
        option = next(iter(option for option in picker.wanted if option in picker.unseen))
        raise LoadRefused(no_such_column(option, picker.wanted[option], list(picker.keys)))
    reason = next((f"line {row.line} {row.reason}" for row in shown if isinstance(row, Rejected)), "there is none")
    raise LoadRefused(f"{source.name}: none of its {len(shown)} values is an object with keys; {reason}")


def _has_object_lines(blocks: Iterator[str]) -> tuple[Iterator[str], bool]:
    """Whether the first line that is not empty is an object of its own; and the blocks again."""
    head = ""
    for block in blocks:
        head += block
        if "\n" in head.lstrip() or len(head) > LONGEST_LINE:
            break
    line = head.lstrip("\ufeff\x1e \n\t").partition("\n")[0]
    try:
        value, end = _decode(line)
        by_line = isinstance(value, dict) and not line[end:].strip()
    except (ValueError, RecursionError):
        by_line = False
    # In pieces: an error counts the lines of the whole text before it.
    pieces = (head[at : at + BLOCK] for at in range(0, len(head), BLOCK))
    return itertools.chain(pieces, blocks), by_line


class _Picker:
    """Takes the wanted values out of objects.

    ``unseen``: options whose column no object had so far; ``keys``: keys that there are, the first 1,000.
    """

    def __init__(self, wanted: Mapping[str, str]) -> None:
        self.wanted = wanted
        self.unseen = set(wanted)
        self.keys: dict[str, None] = {}
        self._columns = tuple(wanted.values())

    def __call__(self, number: int, found: Any, line: str | None = None) -> Row | Rejected:
        """``line`` is the object's text, where its numbers may have lost digits."""
        if type(found) is not dict:
            return Rejected(number, "is JSON, but no object")
        if self.unseen:
            self._note(found)
        values = {}
        for column in self._columns:
            value = found[column] if column in found else _deep(found, column)
            if type(value) is float and line is not None and not -_EXACT < value < _EXACT:
                return self(number, json.loads(line))
            values[column] = value
        return Row(number, values)

    def _note(self, found: dict[str, Any]) -> None:
        if len(self.keys) < _MOST_KEYS:
            self.keys.update(dict.fromkeys(found))
        for option, column in self.wanted.items():
            if column in found or _has(found, column):
                self.unseen.discard(option)


def _deep(found: dict[str, Any], column: str) -> Any:
    """The value of ``a.b``, which is b of the object a, or of ``a+b``, which is both with a space between them."""
    if JOIN in column:
        parts = [found[part] if part in found else _deep(found, part) for part in column.split(JOIN)]
        return None if any(part is None or part == "" for part in parts) else " ".join(map(str, parts))
    value: Any = found
    for key in column.split(".") if "." in column else ():
        value = value.get(key) if isinstance(value, dict) else None
    return None if value is found else value


def _has(found: dict[str, Any], column: str) -> bool:
    return any(part in found or _deep(found, part) is not None for part in column.split(JOIN))


def _by_line(source: Source, blocks: Iterator[str], pick: _Picker) -> Iterator[Row | Rejected]:
    loads = orjson.loads
    for item in lines(source, blocks):
        if isinstance(item, Rejected):
            yield item
            continue
        number, line = item
        try:
            found = loads(line)
        except orjson.JSONDecodeError:
            yield from _line_again(number, line, pick)
        else:
            yield pick(number, found, line)


def _line_again(number: int, line: str, pick: _Picker) -> Iterator[Row | Rejected]:
    """A line that is no JSON for orjson: empty, of several objects, or with something that only JSON's kin has."""
    at = _BETWEEN.match(line).end()  # type: ignore[union-attr]  # matches the empty text
    while at < len(line):
        try:
            found, at = _decode(line, at)
        except (ValueError, RecursionError) as error:
            yield Rejected(number, _not_json(error))
            return
        yield pick(number, found)
        at = _BETWEEN.match(line, at).end()  # type: ignore[union-attr]


def _not_json(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"is not JSON: {error.msg} at character {error.colno}"
    return (
        "is not JSON that can be read: nested too deeply"
        if isinstance(error, RecursionError)
        else ("has a number of more than 4,300 digits")
    )


def _stream(source: Source, blocks: Iterator[str], pick: _Picker) -> Iterator[Row | Rejected]:
    """Values with anything between them that may stand between values."""
    text = _Text(blocks)
    while text.skip(_BETWEEN):
        number = text.line
        try:
            found = text.value()
        except (ValueError, RecursionError) as error:
            if source.broke_off is not None and text.ended:
                break
            yield Rejected(number, f"{_not_json(error)}; reading goes on at the next object that can be told")
            text.find_next(getattr(error, "pos", 0))
        else:
            yield pick(number, found)
    if source.broke_off is not None:
        yield Rejected(text.line, source.broke_off)


class _Text:
    """What of a text is not read yet, as much as it takes; ``line`` is the one on which that begins.

    ``ended``: nothing comes behind what is read.
    """

    def __init__(self, blocks: Iterator[str]) -> None:
        self.line = 1
        self._blocks = blocks
        self._text = ""
        self._at = 0
        self.ended = False
        self._indent: str | None = None

    def skip(self, pattern: re.Pattern[str]) -> bool:
        """Leaves out what matches; whether anything comes behind it."""
        while True:
            end = pattern.match(self._text, self._at).end()  # type: ignore[union-attr]  # matches the empty text
            if end < len(self._text):
                if self._indent is None and self._text[end] == "{":
                    self._indent = self._text[:end].rpartition("\n")[2].strip(",[\ufeff\x1e")
                self._go_to(end)
                return True
            self._go_to(end)
            if not self._more():
                return False

    def value(self) -> Any:
        """The value that begins here. Raises ValueError or RecursionError, and stays where it is."""
        while True:
            try:
                found, end = _decode(self._text, self._at)
            except json.JSONDecodeError as error:
                cut = error.msg.startswith("Unterminated string") or error.pos >= len(self._text) - _CUT_CHARS
                if not cut or len(self._text) - self._at > LONGEST_LINE or not self._more():
                    raise
            else:
                self._go_to(end)
                return found

    def find_next(self, behind: int) -> None:
        """Goes on to where an object begins: right behind another one, or on a line of its own, indented as the first.

        ``behind``: where in the text the one that could not be read went wrong, or 0.
        """
        begins = re.compile(rf"(?:\}}[ \t]*|\n{re.escape(self._indent or '')})(?=\{{)")
        self._go_to(max(behind, self._at + 1))
        while (found := begins.search(self._text, self._at)) is None:
            self._go_to(max(self._at, len(self._text) - 1_000))
            if not self._more():
                self._go_to(len(self._text))
                return
        self._go_to(found.end())

    def _more(self) -> bool:
        block = None if self.ended else next(self._blocks, None)
        if block is None:
            self.ended = True
            return False
        self._text, self._at = self._text[self._at :] + block, 0
        return True

    def _go_to(self, place: int) -> None:
        self.line += self._text.count("\n", self._at, place)
        self._at = min(place, len(self._text))
