"""How a command reports."""

from __future__ import annotations

from enum import StrEnum


class Format(StrEnum):
    """How a command reports."""

    TEXT = "text"
    JSON = "json"
