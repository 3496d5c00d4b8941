"""Mappings by a table of their keys: unknown, repeated and missing ones are problems, and so is every bad value."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from pipeline.shared.checked_yaml.errors import Invalid, Problem
from pipeline.shared.checked_yaml.scalars import nearest, shown


@dataclass(frozen=True)
class Key:
    """A key that a mapping may have: the field it fills and the reader of its value.

    The reader raises Invalid. ``nested`` is the table of a mapping below instead; ``instead`` is what a mapping without
    the key is told to write.
    """

    field: str
    read: Callable[[yaml.Node], Any] | None = None
    nested: Mapping[str, Key] | None = None
    instead: str = ""
    required: bool = True


@dataclass(frozen=True)
class Located:
    """A mapping that was read: its values by field (bad ones are missing), the node of each, and where it stands."""

    node: yaml.Node
    path: str
    values: Mapping[str, Any]
    nodes: Mapping[str, yaml.Node]


class Problems:
    """Collects what is wrong."""

    def __init__(self) -> None:
        self.found: list[Problem] = []

    def add(self, node: yaml.Node, key: str, text: str) -> None:
        """Notes a problem at a node."""
        self.found.append(Problem(node.start_mark.line + 1, key, text))


def read_mapping(node: yaml.Node, path: str, keys: Mapping[str, Key], problems: Problems) -> Located:
    """Reads all that is right, notes all that is wrong."""
    if not isinstance(node, yaml.MappingNode):
        problems.add(node, path, f"{shown(node)} stands here; write a mapping with the keys {', '.join(keys)}")
        return Located(node, path, {}, {})
    nodes = _entries(node, path, keys, problems)
    values: dict[str, Any] = {}
    for name, key in keys.items():
        place = _join(path, name)
        if name not in nodes:
            if key.required:
                problems.add(node, place, f"is missing; add {name}: {key.instead}")
        elif key.nested is not None:
            values[key.field] = read_mapping(nodes[name], place, key.nested, problems)
        elif key.read is not None:
            try:
                values[key.field] = key.read(nodes[name])
            except Invalid as error:
                problems.add(nodes[name], place, str(error))
    return Located(node, path, values, nodes)


def read_sequence(node: yaml.Node, path: str, wanted: str, problems: Problems) -> Sequence[yaml.Node]:
    """The items of a list that has some."""
    if not isinstance(node, yaml.SequenceNode):
        problems.add(node, path, f"{shown(node)} stands here; write {wanted}")
        return []
    if not node.value:
        problems.add(node, path, f"is an empty list; write {wanted}")
    return list(node.value)


def _entries(node: yaml.MappingNode, path: str, keys: Mapping[str, Key], problems: Problems) -> dict[str, yaml.Node]:
    """The known keys; of a repeated one the first."""
    found: dict[str, yaml.Node] = {}
    lines: dict[str, int] = {}
    for key, value in node.value:
        name = str(key.value) if isinstance(key, yaml.ScalarNode) else shown(key)
        if name in lines:
            text = f"stands here again, first on line {lines[name]}; remove one of the two"
            problems.add(key, _join(path, shown(key)), text)
            continue
        lines[name] = key.start_mark.line + 1
        if name in keys and isinstance(key, yaml.ScalarNode):
            found[name] = value
        else:
            text = f"is an unknown key; {nearest(name, keys)}allowed: {', '.join(keys)}"
            problems.add(key, _join(path, shown(key)), text)
    return found


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
