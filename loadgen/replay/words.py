"""What the words of a log mean: true and false, impression and click, and what `--value` says of others. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from loadgen.errors import LoadRefused
from pipeline.shared.checked_yaml.scalars import nearest

CLICKED, EVENT_TYPE = "clicked", "event_type"
TEXTS = ("campaign_id", "category", "ad_id", "user_id", "placement", "device")
TRUE = ("1", "true", "t", "yes", "y", "on", "click", "clicked")
FALSE = ("0", "false", "f", "no", "n", "off", "-1", "", "-", "null", "none", "nan", "na", "n/a", "\\n")
IMPRESSION_WORDS = (
    *("impression", "impressions", "imp", "imps", "view", "views", "viewed", "show", "shown", "display", "served"),
    *("ad_impression", "adimpression", "ad_view"),
)
CLICK_WORDS = ("click", "clicks", "clicked", "clk", "clks", "ad_click", "adclick")
_FIELDS = (CLICKED, EVENT_TYPE, *TEXTS)
_WHOLE = re.compile(r"([+-]?\d+)\.0", re.ASCII)


@dataclass(frozen=True)
class Words:
    """Meanings by word; ``clicked`` and ``clicks`` by the word in lower case.

    ``clicks``: is an event type a click? ``texts``: what to take instead, by field.
    """

    clicked: Mapping[str, bool]
    clicks: Mapping[str, bool]
    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def parse_values(entries: Sequence[str] = ()) -> Words:
    """``FIELD:WORD=VALUE`` entries, on top of the common words. Raises LoadRefused."""
    clicked = dict.fromkeys(TRUE, True) | dict.fromkeys(FALSE, False)
    clicks = dict.fromkeys(CLICK_WORDS, True) | dict.fromkeys(IMPRESSION_WORDS, False)
    texts: dict[str, dict[str, str]] = {}
    given: set[tuple[str, str]] = set()
    for entry in entries:
        name, word, value = _split(entry)
        if (name, word) in given:
            raise LoadRefused(f"--value {entry}: {name}:{word} has a value already")
        given.add((name, word))
        if name == CLICKED:
            clicked[_lower(word)] = _one_of(entry, value, {"TRUE": True, "FALSE": False})
        elif name == EVENT_TYPE:
            clicks[_lower(word)] = _one_of(entry, value, {"CLICK": True, "IMPRESSION": False})
        else:
            texts.setdefault(name, {})[word] = value
    return Words(clicked, clicks, texts)


def _split(entry: str) -> tuple[str, str, str]:
    name, colon, rest = entry.partition(":")
    word, equals, value = rest.rpartition("=")
    if not colon or not equals:
        raise LoadRefused(f"--value {entry}: must be FIELD:WORD=VALUE, for example event_type:clk=CLICK")
    if name not in _FIELDS:
        raise LoadRefused(f"--value {entry}: no field {name}; {nearest(name, _FIELDS)}there are {', '.join(_FIELDS)}")
    return name, word, value


def _one_of(entry: str, value: str, meanings: Mapping[str, bool]) -> bool:
    if value.upper() not in meanings:
        raise LoadRefused(f"--value {entry}: {value} must be {' or '.join(meanings)}")
    return meanings[value.upper()]


def meaning(words: Mapping[str, bool], value: Any) -> bool | None:
    """What a value means, None if nothing. Numbers are told by their worth: 1.0 is 1."""
    if isinstance(value, str) and value in words:
        return words[value]
    if value is None:
        return words.get("")
    if isinstance(value, list | dict):
        return None
    word = as_text(_lower(value) if isinstance(value, str) else value).casefold()
    if word not in words and word.startswith("+"):
        word = word[1:]
    return words.get(word)


def as_text(value: Any) -> str:
    """A text or number as text: a whole number without a point, for a gap in a column makes 17.0 of 17."""
    if isinstance(value, str):
        found = _WHOLE.fullmatch(value) if value.endswith(".0") else None
        return value if found is None else found[1]
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _lower(word: str) -> str:
    return word.strip().casefold()
