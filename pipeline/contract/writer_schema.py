"""Reads the text of a writer's schema: the part of the rule in docs/contract.md that concerns schemas.

`flink_java`'s ``AvroType`` does the same in Java, and a generated test compares the two.
Neither asks an Avro library, for no two of them agree on which schemas are legal. What determines the bytes is read,
and nothing else: defaults, aliases, orders, logical types, comments and unknown attributes are ignored, and names may
be any text.
"""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import dataclass, field
from typing import Any

MAX_TEXT = 1 << 20
"""Longest schema, in UTF-16 code units."""
MAX_NESTING = 256
"""How many brackets of a schema's JSON may be open at once."""
_MAX_SIZE = (1 << 31) - 1
_SHOWN = 60

PRIMITIVES = ("null", "boolean", "int", "long", "float", "double", "bytes", "string")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKET = {"[": 1, "{": 1, "]": -1, "}": -1}


class SchemaError(ValueError):
    """The text is no schema by which a value could be read; ``str()`` says why, in ASCII."""


@dataclass(slots=True, eq=False)
class Type:
    """One type of a schema. A record may contain itself, so ``parts`` is filled after the type is made."""

    kind: str
    """A primitive's name, or record, enum, fixed, array, map, union."""
    parts: list[Type] = field(default_factory=list)
    """The fields' types, the branches, or the one type of the items or values."""
    names: list[str] = field(default_factory=list)
    """The fields' names or the symbols."""
    size: int = 0
    """Bytes of a fixed."""


def parse_schema(text: str) -> Type:
    """The type that a schema's text describes. Raises SchemaError."""
    return _Parser().type_of(_parse_json(text), "")


def shown(name: str) -> str:
    """A name as a reason may quote it: short, and in ASCII."""
    return ascii(name[:_SHOWN])[1:-1]


def _parse_json(text: str) -> Any:
    if len(text.encode("utf-16-le", "surrogatepass")) > 2 * MAX_TEXT:
        raise SchemaError(f"it is longer than {MAX_TEXT} characters")
    brackets = itertools.accumulate(_BRACKET.get(char, 0) for char in _STRING.sub("", text))
    if max(brackets, default=0) > MAX_NESTING:
        raise SchemaError(f"it is nested deeper than {MAX_NESTING}")
    try:
        return json.loads(text, parse_int=_small_int, parse_float=_ignore, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise SchemaError("it is not JSON") from None


def _small_int(digits: str) -> int | None:
    return int(digits) if len(digits) <= len(str(_MAX_SIZE)) else None


def _ignore(_: str) -> None:
    return None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


class _Parser:
    """Knows the named types that were defined further up in the text."""

    def __init__(self) -> None:
        self._named: dict[str, Type] = {}

    def type_of(self, schema: Any, namespace: str) -> Type:
        if isinstance(schema, str):
            return Type(schema) if schema in PRIMITIVES else self._reference(_text(schema), namespace)
        if isinstance(schema, list):
            union = Type("union")
            for branch in schema:
                union.parts.append(self.type_of(branch, namespace))
            return union
        if not isinstance(schema, dict):
            raise SchemaError("a type is neither a name nor an object nor a union")
        kind = schema.get("type")
        if kind in ("array", "map"):
            of = "items" if kind == "array" else "values"
            return Type(kind, [self.type_of(schema.get(of), namespace)])
        if kind in ("record", "error", "enum", "fixed"):
            return self._named_type(schema, namespace)
        return self.type_of(kind, namespace)

    def _reference(self, name: str, namespace: str) -> Type:
        for full_name in (_full_name(name, namespace), name):
            if full_name in self._named:
                return self._named[full_name]
        raise SchemaError(f"type {shown(name)} is not defined before it is used")

    def _named_type(self, schema: dict[str, Any], namespace: str) -> Type:
        kind, name, own_namespace = schema["type"], schema.get("name"), schema.get("namespace")
        if not isinstance(name, str):
            raise SchemaError(f"a type of kind {kind} has no name")
        name = _full_name(_text(name), _text(own_namespace) if isinstance(own_namespace, str) else namespace)
        if name in self._named:
            raise SchemaError(f"type {shown(name)} is defined twice")
        if kind == "enum":
            self._named[name] = Type(kind, names=_symbols(schema.get("symbols")))
        elif kind == "fixed":
            self._named[name] = Type(kind, size=_size(schema.get("size")))
        else:
            self._named[name] = record = Type("record")
            self._read_fields(record, schema.get("fields"), name.rpartition(".")[0])
        return self._named[name]

    def _read_fields(self, record: Type, fields: Any, namespace: str) -> None:
        if not isinstance(fields, list):
            raise SchemaError("a record has no list of fields")
        for each in fields:
            if not isinstance(each, dict) or not isinstance(each.get("name"), str):
                raise SchemaError("a field has no name")
            record.names.append(_text(each["name"]))
            record.parts.append(self.type_of(each.get("type"), namespace))


def _symbols(symbols: Any) -> list[str]:
    if not isinstance(symbols, list) or not all(isinstance(symbol, str) for symbol in symbols):
        raise SchemaError("an enum has no list of symbols")
    return [_text(symbol) for symbol in symbols]


def _size(size: Any) -> int:
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= _MAX_SIZE:
        raise SchemaError("a fixed has no size")
    return size


def _full_name(name: str, namespace: str) -> str:
    if "." not in name:
        return f"{namespace}.{name}" if namespace else name
    return name[1:] if name.rindex(".") == 0 else name  # a dot in front alone: in no namespace


def _text(text: str) -> str:
    """Java's strings can't tell a surrogate pair from the character that it stands for; so ours must not."""
    return text if text.isascii() else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
