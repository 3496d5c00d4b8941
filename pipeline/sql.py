"""Flink SQL as text: literals and WITH clauses that nothing can break out of."""

from __future__ import annotations

from collections.abc import Mapping


def literal(text: str) -> str:
    """A SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def table(name: str, columns: list[str], options: Mapping[str, str | int], *, primary_key: str | None = None) -> str:
    """A CREATE TEMPORARY TABLE statement; ``primary_key`` is a comma-separated list of columns."""
    lines = [*columns, *([f"PRIMARY KEY ({primary_key}) NOT ENFORCED"] if primary_key else [])]
    settings = ",\n  ".join(f"{literal(key)} = {literal(str(value))}" for key, value in options.items())
    return f"CREATE TEMPORARY TABLE {name} (\n  " + ",\n  ".join(lines) + f"\n) WITH (\n  {settings}\n)"
