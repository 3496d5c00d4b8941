"""What a replay is going to do, letter by letter: repaired from a file or by the same changes to each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.dead_letters.export_file import ExportedLine
from pipeline.dead_letters.letter import Letter
from pipeline.dead_letters.mending import Mended, StillInvalid, event_of, lateness_of
from pipeline.dead_letters.view import View


@dataclass(frozen=True)
class Rejection:
    """A letter, or a line of the file, that can't be replayed."""

    reason: str
    partition: int | None = None
    offset: int | None = None
    line: int | None = None


@dataclass
class RepairPlan:
    """What can be replayed and what can't."""

    mended: list[Mended] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)


@dataclass(frozen=True)
class Changes:
    """The same for every letter: fields to set, and whether the record time becomes the event time."""

    fields: Mapping[str, Any] = field(default_factory=dict)
    event_time_is_record_time: bool = False

    def applied(self, letter: Letter, view: View) -> dict[str, Any]:
        """The fields of a letter's event with the changes."""
        time = {"event_time": letter.record_time_ms} if self.event_time_is_record_time else {}
        return view.fields | time | dict(self.fields)


def plan_from_lines(
    lines: Iterable[ExportedLine | tuple[int, str]],
    letters: Mapping[tuple[int, int], Letter],
    allowed_lateness_seconds: int,
) -> RepairPlan:
    """The lines of a file against the letters that there are; of two lines of one origin the second is rejected."""
    plan = RepairPlan()
    seen: set[tuple[int, int]] = set()
    for line in lines:
        if isinstance(line, tuple):
            plan.rejected.append(Rejection(line[1], line=line[0]))
            continue
        origin = (line.partition, line.offset)
        letter = letters.get(origin)
        if letter is None:
            reason = "no dead letter has this origin"
        elif origin in seen:
            reason = "this origin is in the file twice"
        elif line.record_time_ms not in (None, letter.record_time_ms):
            reason = f"record_time_ms was changed; it is {letter.record_time_ms}"
        else:
            seen.add(origin)
            _add(plan, letter, line.event, allowed_lateness_seconds, line.line)
            continue
        plan.rejected.append(Rejection(reason, *origin, line.line))
    return plan


def plan_by_changes(
    letters: Iterable[tuple[Letter, View]], changes: Changes, allowed_lateness_seconds: int
) -> RepairPlan:
    """Every letter with the same changes; only those that decode as a whole can be repaired this way."""
    plan = RepairPlan()
    for letter, view in letters:
        if view.complete:
            _add(plan, letter, changes.applied(letter, view), allowed_lateness_seconds, None)
        else:
            reason = f"does not decode ({letter.reason}): export it and repair it by hand"
            plan.rejected.append(Rejection(reason, *letter.origin))
    return plan


def _add(plan: RepairPlan, letter: Letter, fields: Mapping[str, Any], lateness_seconds: int, line: int | None) -> None:
    try:
        event = event_of(fields)
        late = lateness_of(event, letter.record_time_ms, lateness_seconds)
    except StillInvalid as error:
        plan.rejected.append(Rejection(str(error), *letter.origin, line))
        return
    plan.mended.append(Mended(*letter.origin, letter.record_time_ms, letter.reason, event, late))
