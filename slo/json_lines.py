"""Files of one JSON document per line, which grow by whole lines and outlive a process that is killed."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def append(path: Path, document: Mapping[str, Any]) -> None:
    """Adds a line; it is on the disk when this returns. What JSON has no word for is null. Raises OSError."""
    line = json.dumps(_plain(document), allow_nan=False).encode() + b"\n"
    with path.open("a+b") as file:
        # A line that somebody could not finish must not spoil this one.
        if file.tell() and not _ends_a_line(file.fileno(), file.tell()):
            line = b"\n" + line
        file.write(line)
        file.flush()
        os.fsync(file.fileno())


def read(path: Path) -> list[Any]:
    """The documents, in order; none of a file that is not there. A line that was cut off is left out."""
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    return [document for line in text.splitlines() for document in _parsed(line)]


def _ends_a_line(descriptor: int, length: int) -> bool:
    return os.pread(descriptor, 1, length - 1) == b"\n"


def _parsed(line: str) -> list[Any]:
    try:
        return [json.loads(line)]
    except ValueError:
        return []


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    return str(value)
