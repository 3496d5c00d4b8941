"""Readers of single values: a node of the tree → a value, or Invalid with what stands there and what to write."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

import yaml

from pipeline.shared.checked_yaml.errors import Invalid
from pipeline.shared.durations import ALLOWED as DURATION_ALLOWED
from pipeline.shared.durations import duration_seconds
from pipeline.shared.terminal_safe import printable

_TAG = "tag:yaml.org,2002:"
_PLAIN_NUMBER = re.compile(r"[-+]?(0|[1-9]\d*(?:_\d+)*)(\.\d+)?([eE][-+]?\d+)?", re.ASCII)
_LONGEST_SHOWN = 40

Choice = TypeVar("Choice", bound=StrEnum)


def shown(node: yaml.Node) -> str:
    """What stands in the file, shortened."""
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    if isinstance(node, yaml.MappingNode):
        return "a mapping"
    written = str(node.value)
    quoted = repr(written) if _is_quoted(node) or written != written.strip() or "\n" in written else written
    return quoted if len(quoted) <= _LONGEST_SHOWN else f"{quoted[:_LONGEST_SHOWN]}…"


def _is_quoted(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.style in ("'", '"')


def nearest(word: str, known: Iterable[str]) -> str:
    """`` (did you mean x?)``, or nothing."""
    found = difflib.get_close_matches(word, list(known), n=1)
    return f"did you mean {found[0]}? " if found else ""


def scalar(node: yaml.Node, wanted: str) -> str:
    """The text of a scalar that is there. Raises Invalid saying what was wanted."""
    if not isinstance(node, yaml.ScalarNode):
        raise Invalid(f"{shown(node)} stands here; write {wanted}")
    if node.tag == f"{_TAG}null":
        raise Invalid(f"has no value; write {wanted}")
    return str(node.value)


def text(node: yaml.Node) -> str:
    """Words for people. Line breaks of the file become spaces."""
    written = scalar(node, "a text")
    if node.tag != f"{_TAG}str":
        raise Invalid(f"{shown(node)} is no text for YAML; put it in quotes")
    if not written.strip():
        raise Invalid(f"{shown(node)} says nothing; write a text")
    words = " ".join(written.split())
    if not words.isprintable():
        raise Invalid(f"{printable(shown(node))} has characters that can't be printed; write it without them")
    return words


def name(node: yaml.Node) -> str:
    """A name that scripts and Prometheus rules can carry."""
    wanted = "lower-case letters, digits and _, a letter first, for example event_to_redis"
    written = scalar(node, wanted)
    if re.fullmatch(r"[a-z][a-z0-9_]{0,62}", written, re.ASCII) is None or node.tag != f"{_TAG}str":
        raise Invalid(f"{shown(node)} is not a name; write {wanted}")
    return written


def number(node: yaml.Node, wanted: str = "a number, for example 0.5") -> float:
    """A finite number of at least 0."""
    written = scalar(node, wanted)
    if node.tag == f"{_TAG}bool":
        raise Invalid(f"{shown(node)} is true or false for YAML, not a number; write {wanted}")
    if _is_quoted(node):
        raise Invalid(f"{shown(node)} is a text; write {wanted}, without quotes")
    if re.fullmatch(r"[-+]?\.?(nan|inf|infinity)", written, re.IGNORECASE):
        raise Invalid(f"{shown(node)} is not finite; write {wanted}")
    if _PLAIN_NUMBER.fullmatch(written) is None:
        raise Invalid(f"{shown(node)} is not a plain number; write {wanted}")
    value = float(written)
    if not math.isfinite(value):
        raise Invalid(f"{shown(node)} is too large; write {wanted}")
    if value < 0:
        raise Invalid(f"{shown(node)} is negative; write {wanted}")
    return value


@dataclass(frozen=True)
class Quantity:
    """A number and the unit that stands behind it, if one does."""

    number: float
    unit: str = ""


def quantity(node: yaml.Node) -> Quantity:
    """A number of at least 0, with or without a unit: ``0.1``, ``100ms``, ``200MB``; the unit is not judged here."""
    written = scalar(node, "a number, for example 0.1 or 100ms")
    found = re.fullmatch(r"(\d{1,12}(?:\.\d{1,9})?) ?([A-Za-z]+)", written, re.ASCII)
    if found is not None:
        return Quantity(float(found[1]), found[2])
    return Quantity(number(node))


def share(node: yaml.Node) -> float:
    """Above 0, at most 1."""
    allowed = "a number above 0, at most 1"
    value = number(node, f"{allowed}, for example 0.99")
    if 1 < value <= 100:
        raise Invalid(f"{shown(node)} is not a share; write {value / 100:.12g} ({allowed})")
    if not 0 < value <= 1:
        raise Invalid(f"{shown(node)} is not a share; write {allowed}, for example 0.99")
    return value


def count(node: yaml.Node) -> int:
    """A whole number of at least 1."""
    wanted = "a whole number of at least 1"
    value = number(node, wanted)
    if value < 1 or value != int(value):
        raise Invalid(f"{shown(node)} is not {wanted}; write one, for example 100")
    return int(value)


def duration(node: yaml.Node) -> float:
    """Seconds of ``28d``, ``10m``, ``30s``."""
    written = scalar(node, DURATION_ALLOWED)
    seconds = duration_seconds(written)
    if seconds is None:
        raise Invalid(f"{shown(node)} is not a duration; write {DURATION_ALLOWED}")
    return seconds


def true(node: yaml.Node) -> bool:
    """Only ``true``."""
    if scalar(node, "true") != "true" or node.tag != f"{_TAG}bool":
        raise Invalid(f"{shown(node)} is not supported; write true")
    return True


def choice(kind: type[Choice]) -> Callable[[yaml.Node], Choice]:
    """A reader of one of the words of an enumeration."""
    words = [each.value for each in kind]

    def read(node: yaml.Node) -> Choice:
        written = scalar(node, f"one of {', '.join(words)}")
        if written not in words:
            raise Invalid(f"{shown(node)} is unknown; {nearest(written, words)}allowed: {', '.join(words)}")
        return kind(written)

    return read
