"""Figures and what is wanted of them, in words that fit into a table."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from slo.spec.model import Kind, Objective, Operator, Specification
from slo.verdict.result import ObjectiveResult, RunVerdict, Verdict
from slo.verdict.units import duration, percent, unit_of

NOTHING = "–"
VOID = "(void)"
_BYTES = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"))
_SIGNS = {Operator.LT: "<", Operator.LTE: "≤"}


def figure(value: float | None, unit: str) -> str:
    """``99.7 %``, ``850 ms``, ``12.3 MB/h``, ``1,234``."""
    if value is None:
        return NOTHING
    if unit.endswith("/h"):
        return f"{figure(value, unit.removesuffix('/h'))}/h"
    if unit == "ratio":
        return f"{percent(value)} %"
    if unit == "seconds":
        return _seconds(value)
    if unit == "bytes":
        return _bytes(value)
    return f"{value:,.0f}" if value == round(value) or abs(value) >= 1000 else f"{value:,.3g}"


def _seconds(value: float) -> str:
    if abs(value) >= 1.0 or value == 0.0:
        return f"{value:,.4g} s"
    return f"{value * 1e3:.3g} ms" if abs(value) >= 1e-3 else f"{value * 1e6:.3g} µs"


def _bytes(value: float) -> str:
    for size, name in _BYTES:
        if abs(value) >= size:
            return f"{value / size:.3g} {name}" if abs(value) < 1000 * size else f"{value / size:,.0f} {name}"
    return f"{value:.3g} B"


def interval(result: ObjectiveResult) -> str:
    """``[99.6, 99.8]`` of a share, ``[29, 31.3] MB/h`` of a slope, or nothing where there is no interval."""
    if result.interval is None:
        return ""
    low, high = result.interval
    if result.unit == "ratio":
        return f"[{percent(low)}, {percent(high)}]"
    ends = [figure(end, result.unit) for end in (low, high)]
    units = [end.partition(" ")[2] for end in ends]
    if units[0] and units[0] == units[1]:
        return f"[{ends[0].removesuffix(units[0]).rstrip()}, {ends[1].removesuffix(units[0]).rstrip()}] {units[0]}"
    return f"[{ends[0]}, {ends[1]}]"


def found(result: ObjectiveResult) -> tuple[str, ...]:
    """The figure, its interval if there is one, and a mark on figures that mean nothing."""
    parts = (figure(result.value, result.unit), interval(result), VOID if result.void else "")
    return tuple(filter(None, parts))


def wanted(objective: Objective, result: ObjectiveResult) -> str:
    """``≥ 99 % < 1 s``, ``≤ 64 MB``, ``exact``."""
    if objective.kind in (Kind.LATENCY, Kind.FRESHNESS):
        bound = f"{_SIGNS[objective.op]} {figure(objective.value, unit_of(objective.indicator))}"
        return f"all {bound}" if objective.target >= 1.0 else f"≥ {percent(objective.target)} % {bound}"
    if objective.kind is Kind.CORRECTNESS:
        return "exact"
    return f"≤ {figure(result.objective, result.unit)}"


def beyond_the_run(result: ObjectiveResult) -> str:
    """What a pass in this run does not show beyond it; empty where there is nothing to add."""
    if result.verdict is not Verdict.PASS or result.interval is None or result.unit != "ratio":
        return ""
    if result.objective is None or result.interval[0] >= result.objective:
        return ""
    needed = f"; `slo check` needs {duration(result.needed_seconds)}" if result.needed_seconds else ""
    return f"met in this run; beyond it this shows {percent(result.interval[0])} % or more{needed}"


def budget(result: ObjectiveResult) -> str:
    """The part of the run's error budget that was spent: ``31 %``."""
    return "" if result.budget_spent is None else f"{result.budget_spent:.0%}".replace("%", " %")


def pairs(specification: Specification, verdict: RunVerdict) -> Iterator[tuple[Objective, ObjectiveResult]]:
    """Objectives with their results."""
    for result in verdict.objectives:
        yield specification.objective(result.name), result


def utc(unix_seconds: float) -> str:
    """``2026-11-24 03:26:32 UTC``."""
    return f"{datetime.fromtimestamp(unix_seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
