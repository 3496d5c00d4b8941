"""A schedule as a YAML file: written before it starts, and read to repeat it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml

from pipeline.shared.checked_yaml import scalars
from pipeline.shared.checked_yaml.errors import DocumentError, Invalid
from pipeline.shared.checked_yaml.mappings import Key, Located, Problems, read_mapping, read_sequence
from pipeline.shared.checked_yaml.yaml_file import Form, parse_tree, read_tree
from slo.disturbances.action import Action
from slo.schedules.catalogue import ACTIONS, find_action
from slo.schedules.schedule import Schedule, Strike

API_VERSION = "adctr/v1"


class ScheduleError(DocumentError):
    """A file is no schedule."""


FORM = Form(
    a_file="a schedule",
    things="schedules",
    levels="three",
    first_line=f"apiVersion: {API_VERSION}",
    page="docs/faults.md",
    error=ScheduleError,
)


def write_schedule(path: Path, schedule: Schedule) -> None:
    """Writes the file, and its directory where there is none. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(to_yaml(schedule), encoding="utf-8")


def to_yaml(schedule: Schedule) -> str:
    """The text of the file: one line per strike. Seconds count from the begin of the load."""
    lines = [
        "# `adctr chaos run FILE` repeats it; docs/faults.md says what it can't repeat.",
        f"apiVersion: {API_VERSION}",
        f"seed: {schedule.seed}",
        f"seconds: {_number(schedule.seconds)}",
        f"rate: {_number(schedule.rate)}",
        "strikes:",
        *(
            f"- {{begin: {_number(each.begin_seconds)}, lasts: {_number(each.lasts_seconds)}, "
            f"action: {each.action.name}}}"
            for each in schedule.strikes
        ),
    ]
    return "\n".join(lines) + "\n"


def read_schedule(path: Path) -> Schedule:
    """Raises ScheduleError with everything that is wrong with the file."""
    return _schedule(read_tree(path, FORM), str(path))


def parse_schedule(text: str, file: str) -> Schedule:
    """The schedule of a file's text. Raises ScheduleError."""
    return _schedule(parse_tree(text, file, FORM), file)


def _schedule(root: yaml.Node, file: str) -> Schedule:
    problems = Problems()
    top = read_mapping(root, "", _TOP, problems)
    strikes = _strikes(top, problems) if "strikes" in top.values else ()
    if problems.found:
        raise ScheduleError(file, problems.found)
    seed, seconds, rate = (top.values[name] for name in ("seed", "seconds", "rate"))
    schedule = Schedule(seed, seconds, rate, ()).only(strikes)
    for text in schedule.problems:
        problems.add(top.nodes["strikes"], "strikes", text)
    if problems.found:
        raise ScheduleError(file, problems.found)
    return schedule


def _strikes(top: Located, problems: Problems) -> tuple[Strike, ...]:
    wanted = "strikes like {begin: 10, action: redis_killed}"
    items = read_sequence(top.nodes["strikes"], "strikes", wanted, problems)
    found = [read_mapping(item, f"strikes[{index}]", _STRIKE, problems) for index, item in enumerate(items)]
    return tuple(Strike(**each.values) for each in found if {"action", "begin_seconds"} <= each.values.keys())


def _number(value: float) -> str:
    return repr(int(value) if value == int(value) else value)


def _api_version(node: yaml.Node) -> str:
    if scalars.scalar(node, API_VERSION) != API_VERSION:
        raise Invalid(f"{scalars.shown(node)} is another format; write {API_VERSION}")
    return API_VERSION


def _seed(node: yaml.Node) -> int:
    wanted = "a whole number of at least 0"
    value = scalars.number(node, wanted)
    if value != int(value):
        raise Invalid(f"{scalars.shown(node)} is not {wanted}; write one, for example 1")
    return int(node.value.replace("_", "")) if node.value.replace("_", "").isdigit() else int(value)


def _above_zero(node: yaml.Node) -> float:
    value = scalars.number(node, "a number above 0")
    if value == 0:
        raise Invalid("0 is nothing; write a number above 0")
    return value


def _action(node: yaml.Node) -> Action:
    name = scalars.name(node)
    try:
        return find_action(name)
    except KeyError:
        known = [each.name for each in ACTIONS]
        raise Invalid(
            f"{scalars.shown(node)} is no action; {scalars.nearest(name, known)}known are {', '.join(known)}"
        ) from None


_STRIKE: Mapping[str, Key] = {
    "begin": Key("begin_seconds", scalars.number, instead="10 (seconds from the begin of the load)"),
    "lasts": Key("lasts_seconds", scalars.number, required=False),
    "action": Key("action", _action, instead="redis_killed"),
}

_TOP: Mapping[str, Key] = {
    "apiVersion": Key("api_version", _api_version, instead=API_VERSION),
    "seed": Key("seed", _seed, instead="1 (of the load)"),
    "seconds": Key("seconds", _above_zero, instead="120 (in which the strikes begin and end)"),
    "rate": Key("rate", _above_zero, instead="5000 (events per second)"),
    "strikes": Key("strikes", lambda node: node, instead="and a list of {begin: 10, action: redis_killed}"),
}
