"""What people did to a stack and when: drills and faults, noted in a file of JSON lines beside it, one at each end.

Load runs need no note: their ledgers say when they began and ended.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

FILE_NAME = "activities.jsonl"
"""In the data directory."""
DRILL = "drill"
FAULT = "fault"


@dataclass(frozen=True)
class Activity:
    """One drill or fault; times are Unix seconds, ``end_seconds`` is None while it goes on, or after a kill."""

    kind: str
    name: str
    begin_seconds: float
    end_seconds: float | None = None
    outcome: str = ""

    @property
    def key(self) -> str:
        """The same for an activity however often the file is read."""
        return f"{self.kind}-{self.name}-{self.begin_seconds:.3f}"


@contextmanager
def noted(path: Path, kind: str, name: str, clock: Callable[[], float] = time.time) -> Iterator[Callable[[str], None]]:
    """Notes that the block began and ended; what the block hands to the function it gets is the outcome."""
    begin = clock()
    said = ["broken off"]
    _append(path, Activity(kind, name, begin))
    try:
        yield lambda outcome: said.__setitem__(0, outcome)
    finally:
        _append(path, Activity(kind, name, begin, clock(), said[0]))


def _append(path: Path, activity: Activity) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(activity.__dict__) + "\n")


def read_activities(path: Path) -> list[Activity]:
    """Every activity, in the order in which they began. Broken lines (a killed writer's last) are left out."""
    found: dict[str, Activity] = {}
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []
    for line in lines:
        try:
            each = Activity(**json.loads(line))
        except (ValueError, TypeError):
            continue
        begun = found.setdefault(each.key, each)
        found[each.key] = replace(begun, end_seconds=each.end_seconds, outcome=each.outcome)
    return list(found.values())
