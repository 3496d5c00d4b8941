"""The columns that options name, among those that a log has."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from loadgen.errors import LoadRefused
from pipeline.shared.checked_yaml.scalars import nearest

JOIN = "+"
"""``date+time`` names two columns: their values with a space between them."""
_MOST_NAMED = 100
_NUMBER = re.compile(r"[-+]?\d[\d.:T -]*Z?", re.ASCII)
_DELIMITERS = {"\t": "tab", ";": "';'", "|": "'|'"}


def parts_of(column: str, available: Sequence[str]) -> tuple[str, ...]:
    """The names that a column stands for: itself, or those that it joins."""
    return (column,) if column in available or JOIN not in column else tuple(column.split(JOIN))


def places(wanted: Mapping[str, str], available: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Where each wanted column stands, by its name. ``wanted``: columns by the option that names them.

    Raises LoadRefused with that option if there is no such column, or more than one.
    """
    found: dict[str, tuple[int, ...]] = {}
    for option, column in wanted.items():
        parts = parts_of(column, available)
        for part in parts:
            if available.count(part) != 1:
                raise LoadRefused(no_such_column(option, part, available))
        found[column] = tuple(map(available.index, parts))
    return found


def no_such_column(option: str, column: str, available: Sequence[str]) -> str:
    """What is wrong with an option whose column is not there once."""
    many = available.count(column)
    what = f"{many} columns of that name" if many else "no such column"
    named = ", ".join(available[:_MOST_NAMED]) + (", …" if len(available) > _MOST_NAMED else "")
    return f"{option}: {what}; {nearest(column, available)}there are {named}{_hint(available)}"


def _hint(available: Sequence[str]) -> str:
    if any("\udc80" <= letter <= "\udcff" for name in available for letter in name):
        return " (the first line is not UTF-8: is this a text?)"
    if len(available) == 1:
        for delimiter, word in _DELIMITERS.items():
            if delimiter in available[0]:
                return f" (one column: --delimiter {word}?)"
    if any(_NUMBER.fullmatch(name) for name in available):
        return " (is this a header? --columns names the columns of a file without one)"
    return ""
