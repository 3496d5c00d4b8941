"""``slo/objectives.yaml`` → `Specification`. docs/objectives.md describes the format."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from pipeline.shared.checked_yaml import scalars
from pipeline.shared.checked_yaml.errors import Invalid
from pipeline.shared.checked_yaml.mappings import Key, Located, Problems, read_mapping, read_sequence
from pipeline.shared.checked_yaml.yaml_file import Form, read_tree
from slo.spec.checks import check_objective, objective_of
from slo.spec.errors import SpecificationError
from slo.spec.model import BudgetingMethod, Ceiling, Indicator, Kind, Operator, Specification, TimeWindow

API_VERSION = "adctr/v1"
FORM = Form(
    a_file="a file of objectives",
    things="objectives",
    levels="four",
    first_line=f"apiVersion: {API_VERSION}",
    page="docs/objectives.md",
    error=SpecificationError,
)
DOCS = Path(__file__).resolve().parents[2] / "docs"
SHORTEST_TIME_WINDOW_SECONDS = 7 * 86400.0
"""A budget of fewer days has no burn rate of hours that would mean anything."""


def load(path: Path, docs: Path = DOCS) -> Specification:
    """Reads a file. Raises SpecificationError with everything that is wrong with it.

    Runbooks are looked for below ``docs``, unless that does not exist (an installation without the source tree).
    """
    root = read_tree(path, FORM)
    problems = Problems()
    top = read_mapping(root, "", _TOP, problems)
    objectives = _objectives(top, problems)
    _check_names(objectives, problems)
    for each in objectives:
        check_objective(each, docs if docs.is_dir() else None, problems)
    if problems.found:
        raise SpecificationError(str(path), problems.found)
    return Specification(
        service=top.values["service"],
        time_window=TimeWindow(top.values["time_window"].values["duration_seconds"]),
        objectives=tuple(objective_of(each.values) for each in objectives),
    )


def load_bundled() -> Specification:
    """The objectives that come with the package."""
    return _bundled("objectives.yaml")


def load_bundled_soak() -> Specification:
    """Those of `adctr bench soak`, which come with the package, too."""
    return _bundled("soak.yaml")


def _bundled(name: str) -> Specification:
    with resources.as_file(resources.files("slo") / name) as path:
        return load(path)


def _objectives(top: Located, problems: Problems) -> list[Located]:
    if "objectives" not in top.nodes:
        return []
    items = read_sequence(top.nodes["objectives"], "objectives", "a list of objectives", problems)
    return [read_mapping(item, f"objectives[{index}]", _OBJECTIVE, problems) for index, item in enumerate(items)]


def _check_names(objectives: list[Located], problems: Problems) -> None:
    lines: dict[str, int] = {}
    for each in objectives:
        name = each.values.get("name")
        if name is None:
            continue
        node = each.nodes["name"]
        if name in lines:
            text = f"{name} is already the name of the objective on line {lines[name]}; write another one"
            problems.add(node, f"{each.path}.name", text)
        lines.setdefault(name, node.start_mark.line + 1)


def _api_version(node: yaml.Node) -> str:
    if scalars.scalar(node, API_VERSION) != API_VERSION:
        raise Invalid(f"{scalars.shown(node)} is another format; write {API_VERSION}")
    return API_VERSION


def _time_window_duration(node: yaml.Node) -> float:
    seconds = scalars.duration(node)
    if seconds < SHORTEST_TIME_WINDOW_SECONDS:
        raise Invalid(f"{scalars.shown(node)} is too short for burn rates; write 7d or more, for example 28d")
    return seconds


_TIME_WINDOW: Mapping[str, Key] = {
    "duration": Key("duration_seconds", _time_window_duration, instead="28d"),
    "isRolling": Key("is_rolling", scalars.true, instead="true"),
}

_MINIMUM: Mapping[str, Key] = {
    "duration": Key("duration_seconds", scalars.duration, instead="30s (a shorter check does not judge the objective)"),
    "samples": Key("samples", scalars.count, instead="100 (with fewer samples the check is inconclusive)"),
}


def _no_reader(node: yaml.Node) -> Any:
    return node


_TOP: Mapping[str, Key] = {
    "apiVersion": Key("api_version", _api_version, instead=API_VERSION),
    "service": Key("service", scalars.text, instead="adctr"),
    "timeWindow": Key("time_window", nested=_TIME_WINDOW, instead="{duration: 28d, isRolling: true}"),
    "objectives": Key("objectives", _no_reader, instead="and a list of them"),
}

_OBJECTIVE: Mapping[str, Key] = {
    "name": Key("name", scalars.name, instead="a name for scripts, for example event_to_redis"),
    "displayName": Key("display_name", scalars.text, instead="the promise in a few words"),
    "kind": Key("kind", scalars.choice(Kind), instead=f"one of {', '.join(Kind)}"),
    "indicator": Key("indicator", scalars.choice(Indicator), instead="what is measured (docs/objectives.md lists all)"),
    "op": Key("op", scalars.choice(Operator), instead="lt or lte"),
    "value": Key("value", scalars.quantity, required=False),
    "computed": Key("computed", scalars.choice(Ceiling), required=False),
    "target": Key("target", scalars.share, required=False),
    "budgetingMethod": Key("budgeting_method", scalars.choice(BudgetingMethod), instead="Occurrences"),
    "minimum": Key("minimum", nested=_MINIMUM, instead="{duration: 30s, samples: 100}"),
    "independentAfter": Key("independent_seconds", scalars.duration, required=False),
    "warmUp": Key("warm_up_seconds", scalars.duration, required=False),
    "why": Key("why", scalars.text, instead="why the objective exists"),
    "whenBroken": Key("when_broken", scalars.text, instead="what to do first"),
    "runbook": Key("runbook", scalars.text, instead="a page below docs, for example runbooks/event_to_redis.md"),
}
