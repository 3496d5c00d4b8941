"""A rule file's parts, and the file as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml


@dataclass(frozen=True)
class RecordingRule:
    """Keeps the value of an expression under a name."""

    record: str
    expr: str
    labels: Mapping[str, str]

    def as_dict(self) -> dict[str, Any]:
        """In Prometheus's order of keys."""
        return {"record": self.record, "expr": self.expr, "labels": dict(self.labels)}


@dataclass(frozen=True)
class AlertingRule:
    """Fires while an expression has had a result for ``for_`` (empty: at once)."""

    alert: str
    expr: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    for_: str = ""

    def as_dict(self) -> dict[str, Any]:
        """In Prometheus's order of keys."""
        waiting = {"for": self.for_} if self.for_ else {}
        return {
            "alert": self.alert,
            "expr": self.expr,
            **waiting,
            "labels": dict(self.labels),
            "annotations": dict(self.annotations),
        }


@dataclass(frozen=True)
class RuleGroup:
    """Rules that are evaluated one after the other, at one moment."""

    name: str
    rules: Sequence[RecordingRule | AlertingRule] = field(default_factory=tuple)

    def as_dict(self) -> dict[str, Any]:
        """In Prometheus's order of keys."""
        return {"name": self.name, "rules": [rule.as_dict() for rule in self.rules]}


class _Dumper(yaml.SafeDumper):
    """Indents lists and writes text of several lines as a block, as people do."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002 - PyYAML's signature
        super().increase_indent(flow, False)


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)


def to_yaml(groups: Sequence[RuleGroup], heading: str) -> str:
    """The file: the heading as a comment, then the groups. The same groups give the same bytes."""
    comment = "".join(f"# {line}\n" for line in heading.splitlines())
    document = {"groups": [group.as_dict() for group in groups]}
    body = yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000)
    return comment + body


def literal(text: str) -> str:
    """Text that Prometheus's templates leave alone."""
    return text.replace("{{", '{{ "{{" }}')
