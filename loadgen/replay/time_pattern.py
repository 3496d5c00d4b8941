"""Which strptime patterns are taken: those that read back what they write. Pure.

strptime itself takes many that don't: it ignores ``%p`` beside ``%H``, knows hardly any zone name, and fills a date in.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

from loadgen.errors import LoadRefused

_DIRECTIVE = re.compile(r"%(.?)", re.DOTALL)
_KNOWN = "YymbBdjHIpMSfzaA%"
_PARTS = {
    "year": "Yy",
    "month": "mbB",
    "day": "d",
    "day of the year": "j",
    "hour": "HI",
    "minute": "M",
    "second": "S",
    "fraction": "f",
    "AM or PM": "p",
    "offset": "z",
    "weekday": "aA",
}
_WIDTH = {"Y": 4, "j": 3} | dict.fromkeys("ymdHIMS", 2)
_NEEDS = {"M": "HI", "S": "M", "f": "S", "I": "p", "p": "I"}
_DIGITS = r"(?:%[YymdjHIMSf]|\d)"
_UNKNOWN_WIDTH = re.compile(rf"%f(?={_DIGITS})|%z(?=[:.]?{_DIGITS})")
_SQUEEZED = re.compile(rf"%[YymdjHIMS](?={_DIGITS})|\d%[YymdjHIMSf]")
_WHY_NOT = {
    "Z": "zone names are ambiguous; use %z for an offset, or write the letters of UTC or GMT themselves",
    "s": "seconds since 1970 are --time-format epoch_s",
    "c": "it depends on the language; write the parts",
    "x": "it depends on the language; write the parts",
    "X": "it depends on the language; write the parts",
}
_SAMPLES = (
    datetime(2026, 1, 31, 13, 5, 9, 123456, timezone(timedelta(hours=5, minutes=30))),
    datetime(2024, 12, 2, 0, 30, 59, 7, UTC),
    datetime(1999, 10, 11, 12, 59, 0, 0, timezone(-timedelta(hours=9, minutes=30))),
)


def pattern_reader(pattern: str) -> Callable[[str], datetime]:
    """Reads a time, ValueError if it is none of this pattern. Raises LoadRefused, naming the option."""
    pattern = pattern.strip()
    directives = _DIRECTIVE.findall(pattern)
    problem = _problem(directives) or _squeezed(pattern) or _not_back(pattern)
    if problem is not None:
        raise LoadRefused(
            f"--time-format {pattern}: {problem}; must be iso, epoch_s, epoch_ms, epoch_us, epoch_ns or a strptime "
            "pattern, for example %Y-%m-%d %H:%M:%S"
        )
    shortest, longest = _length(pattern)

    def read(text: str) -> datetime:
        if not shortest <= len(text) <= longest:
            raise ValueError(text)
        return datetime.strptime(text, pattern)  # noqa: DTZ007 - the caller adds the zone

    return read


def _problem(directives: list[str]) -> str | None:
    if not directives:
        return "it has no %"
    for each in directives:
        if each in _WHY_NOT:
            return f"%{each}: {_WHY_NOT[each]}"
        if not each or each not in _KNOWN:
            return f"%{each} is none of {' '.join('%' + letter for letter in _KNOWN)}"
    for part, letters in _PARTS.items():
        found = [each for each in directives if each in letters]
        if len(found) > 1:
            hint = " (minutes are %M)" if part == "month" else " (%p needs %I)" if part == "hour" else ""
            return f"%{found[0]} and %{found[1]} both say the {part}{hint}"
    for each, needed in _NEEDS.items():
        if each in directives and not any(letter in directives for letter in needed):
            return f"%{each} needs {' or '.join('%' + letter for letter in needed)}"
    return _no_date(set(directives))


def _no_date(directives: set[str]) -> str | None:
    month = bool(directives & set("mbB"))
    if not directives & set("Yy"):
        return "the year is missing (%Y or %y)"
    if "j" in directives and (month or "d" in directives):
        return "%j and a month or day both say the day"
    if "j" not in directives and not (month and "d" in directives):
        return "the date is not complete: %m or %b, and %d, or %j"
    return None


def _squeezed(pattern: str) -> str | None:
    """What of unknown width stands before a digit, so that nobody can tell where it ends."""
    found = _UNKNOWN_WIDTH.search(pattern.replace("%%", "\0\0"))
    return f"{found[0]} must not stand before a digit" if found else None


def _length(pattern: str) -> tuple[int, int]:
    """How short and how long a text may be. Without anything between two numbers both have all their digits."""
    if not _SQUEEZED.search(pattern.replace("%%", "\0\0")):
        return 0, 1_000
    shortest = longest = 0
    at = 0
    for found in _DIRECTIVE.finditer(pattern):
        literal = pattern[at : found.start()]
        shortest, longest = shortest + len(literal), longest + len(literal) + 100 * any(map(str.isspace, literal))
        at, letter = found.end(), found[1]
        width = _WIDTH.get(letter, 1)
        shortest += width
        longest += width if letter in _WIDTH or letter == "%" else 6 if letter == "f" else 30
    rest = pattern[at:]
    return shortest + len(rest), longest + len(rest)


def _not_back(pattern: str) -> str | None:
    """Whether it reads back what it writes."""
    for sample in _SAMPLES:
        try:
            found = datetime.strptime(sample.strftime(pattern), pattern)  # noqa: DTZ007 - compared as text
            same = found.strftime(pattern) == sample.strftime(pattern)
        except (ValueError, re.error, OverflowError) as error:
            return f"it does not read back what it writes ({error})"
        if not same or found.date() != sample.date():
            return "it does not read back what it writes"
    return None
