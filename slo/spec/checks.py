"""What the keys of one objective must be to each other. A check looks only at values that were read without error."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pipeline.shared.checked_yaml.errors import Invalid
from pipeline.shared.checked_yaml.mappings import Located, Problems
from pipeline.shared.checked_yaml.scalars import nearest, shown
from slo.spec.metrics import indicators_of
from slo.spec.model import BudgetingMethod, Ceiling, Indicator, Kind, Minimum, Objective, Operator
from slo.spec.units import in_unit_of
from slo.statistics.share import fewest_samples

_WITH_TARGET = frozenset({Kind.LATENCY, Kind.FRESHNESS})
"""Kinds with an error budget: a share of samples may be bad."""
_BY_LOOKS = frozenset({Kind.FRESHNESS, Kind.CEILING})
"""Kinds whose samples are looks at regular intervals, each of which stands for a slice of time."""
_COMPUTED_FOR = {Ceiling.REDIS_MEMORY: Indicator.REDIS_MEMORY}


def check_objective(located: Located, docs: Path | None, problems: Problems) -> None:
    """Notes what contradicts itself, and a runbook that is not there. ``docs`` None: runbooks are not looked for."""
    if not located.nodes:
        return
    for check in _CHECKS:
        check(located, problems)
    _check_runbook(located, docs, problems)


def objective_of(values: Mapping[str, Any]) -> Objective:
    """The objective of values that have passed all checks."""
    given = dict(values)
    quantity = given.pop("value", None)
    return Objective(
        value=None if quantity is None else in_unit_of(given["indicator"], quantity),
        computed=given.pop("computed", None),
        target=given.pop("target", 1.0),
        warm_up_seconds=given.pop("warm_up_seconds", 0.0),
        minimum=Minimum(**given.pop("minimum").values),
        **given,
    )


def _note(located: Located, key: str, text: str, problems: Problems) -> None:
    problems.add(located.nodes.get(key, located.node), f"{located.path}.{key}", text)


def _check_indicator(located: Located, problems: Problems) -> None:
    kind, indicator = located.values.get("kind"), located.values.get("indicator")
    if kind is None or indicator is None or indicator in indicators_of(kind):
        return
    allowed = ", ".join(indicators_of(kind))
    _note(located, "indicator", f"{indicator} can't be judged by {kind}; {kind} is for {allowed}", problems)


def _check_limit(located: Located, problems: Problems) -> None:
    has_value, has_computed = "value" in located.nodes, "computed" in located.nodes
    if has_value and has_computed:
        _note(located, "computed", "stands beside value; remove one of the two", problems)
    elif not has_value and not has_computed:
        _note(located, "value", "is missing; add value: the limit (or computed: redis_memory for a ceiling)", problems)
    computed, kind = located.values.get("computed"), located.values.get("kind")
    indicator = located.values.get("indicator")
    if computed is None or kind is None or indicator is None:
        return
    if kind is not Kind.CEILING or indicator is not _COMPUTED_FOR[computed]:
        fits = _COMPUTED_FOR[computed]
        _note(
            located,
            "computed",
            f"{computed} is a ceiling for {fits}, not for {kind} of {indicator}; write value",
            problems,
        )


def _check_value(located: Located, problems: Problems) -> None:
    quantity, kind = located.values.get("value"), located.values.get("kind")
    indicator = located.values.get("indicator")
    if quantity is None or indicator is None:
        return
    try:
        value = in_unit_of(indicator, quantity)
    except Invalid as error:
        _note(located, "value", str(error), problems)
        return
    if kind in _WITH_TARGET and value == 0:
        _note(located, "value", "0 leaves no room for anything good; write a time, for example 1s", problems)
    if kind is Kind.CORRECTNESS and value != 0:
        _note(located, "value", f"{value:.12g} differences are not correct; write 0", problems)


def _check_operator(located: Located, problems: Problems) -> None:
    kind = located.values.get("kind")
    if kind is not None and kind not in _WITH_TARGET and located.values.get("op") is Operator.LT:
        _note(located, "op", f"lt: a limit of {kind} may be reached; write lte", problems)


def _check_target(located: Located, problems: Problems) -> None:
    kind, target = located.values.get("kind"), located.values.get("target")
    if kind in _WITH_TARGET and "target" not in located.nodes:
        _note(located, "target", "is missing; add target: the share that must be good, for example 0.99", problems)
    if kind is not None and kind not in _WITH_TARGET and target is not None and target != 1:
        text = f"{shown(located.nodes['target'])}: {kind} allows no bad sample; write 1, or leave target out"
        _note(located, "target", text, problems)


def _check_samples(located: Located, problems: Problems) -> None:
    """So few samples could all be good and still not show the target: the objective could never pass."""
    target, minimum = located.values.get("target"), located.values.get("minimum")
    samples = minimum.values.get("samples") if minimum is not None else None
    if located.values.get("kind") not in _WITH_TARGET or target is None or minimum is None or samples is None:
        return
    fewest = fewest_samples(target)
    if samples < fewest:
        node = minimum.nodes["samples"]
        wanted = shown(located.nodes["target"])
        text = f"{shown(node)} can't show {wanted}, however good they are; write {fewest} or more"
        problems.add(node, f"{minimum.path}.samples", text)


def _check_warm_up(located: Located, problems: Problems) -> None:
    kind, warm_up = located.values.get("kind"), located.values.get("warm_up_seconds")
    if kind is Kind.GROWTH and "warmUp" not in located.nodes:
        _note(
            located,
            "warmUp",
            "is missing; add warmUp: how long growth is normal after a start, for example 5m",
            problems,
        )
    if kind is not None and kind is not Kind.GROWTH and "warmUp" in located.nodes:
        _note(
            located,
            "warmUp",
            f"{shown(located.nodes['warmUp'])}: only growth warms up, not {kind}; remove it",
            problems,
        )
    minimum: Located | None = located.values.get("minimum")
    shortest = minimum.values.get("duration_seconds") if minimum is not None else None
    if minimum is not None and kind is Kind.GROWTH and warm_up and shortest and shortest <= warm_up:
        node = minimum.nodes["duration"]
        text = f"{shown(node)} ends within warmUp ({shown(located.nodes['warmUp'])}); write more than that"
        problems.add(node, f"{minimum.path}.duration", text)


def _check_independence(located: Located, problems: Problems) -> None:
    kind = located.values.get("kind")
    if kind is not None and kind not in _WITH_TARGET and "independentAfter" in located.nodes:
        found = shown(located.nodes["independentAfter"])
        _note(located, "independentAfter", f"{found}: only shares of samples need it, not {kind}; remove it", problems)


def _check_budgeting(located: Located, problems: Problems) -> None:
    kind = located.values.get("kind")
    slices = located.values.get("budgeting_method") is BudgetingMethod.TIMESLICES
    if slices and kind is not None and kind not in _BY_LOOKS:
        _note(
            located,
            "budgetingMethod",
            f"Timeslices: samples of {kind} are no slices of time; write Occurrences",
            problems,
        )


def _check_runbook(located: Located, docs: Path | None, problems: Problems) -> None:
    runbook = located.values.get("runbook")
    if runbook is None:
        return
    if re.fullmatch(r"runbooks/[A-Za-z0-9_-]{1,100}\.md", runbook, re.ASCII) is None:
        found = shown(located.nodes["runbook"])
        text = f"{found} is no page below docs/runbooks; write one, for example runbooks/event_to_redis.md"
        _note(located, "runbook", text, problems)
    elif docs is not None and not (docs / runbook).is_file():
        near = nearest(runbook, [f"runbooks/{each.name}" for each in (docs / "runbooks").glob("*.md")])
        text = f"{runbook} does not exist below docs; {near}write that page, or name another one"
        _note(located, "runbook", text, problems)


_CHECKS: tuple[Callable[[Located, Problems], None], ...] = (
    _check_indicator, _check_limit, _check_value, _check_operator, _check_target, _check_samples, _check_warm_up,
    _check_independence, _check_budgeting,
)  # fmt: skip
