"""Every objective: is it kept, how much of its budget is left, how fast does it go."""

from __future__ import annotations

from collections.abc import Iterator

from dashboards.ops.board import Board, Section
from dashboards.ops.limits import quantile
from dashboards.ops.panels import BYTES, GREEN, ORANGE, PLAIN, RED, SECONDS, SHARE, Figure, Graph, Query
from slo import burn_rate
from slo.burn_rate import window_name
from slo.rules.expressions import ERROR_RATIO, GROWTH_WINDOW_SECONDS, WATCHDOG, error_ratio, number
from slo.spec.metrics import EXPORTER_JOB, METRICS, MetricType, ceiling_metric
from slo.spec.model import Kind, Objective, Specification

UID = "adctr-slo"


def board(specification: Specification) -> Board:
    """One section per objective, in the order of the file."""
    return Board(
        UID,
        "adctr: objectives",
        "What is promised in slo/objectives.yaml, whether it is kept, and how much error budget is left.",
        [Section(each.display_name, list(_panels(specification, each))) for each in specification.objectives],
    )


def _panels(specification: Specification, objective: Objective) -> Iterator[Figure | Graph]:
    yield _status(objective)
    if objective.kind in (Kind.LATENCY, Kind.FRESHNESS):
        yield _budget_left(specification, objective)
        yield from _burn_rate(specification, objective)
        yield _value(objective, 8)
    else:
        yield _value(objective, 20)


def _status(objective: Objective) -> Figure:
    """Alerts that fire. 0 only while the exporter answers and the rules are loaded, which the watchdog shows.

    An unknown status must not look like a kept promise.
    """
    firing = f'count(ALERTS{{alertstate="firing", objective="{objective.name}"}})'
    asked = f'min(up{{job="{EXPORTER_JOB}"}} == 1) - 1 and on () ALERTS{{alertname="{WATCHDOG}"}}'
    return Figure(
        "Status",
        Query(f"{firing} or ({asked})"),
        description=f"{objective.why} {objective.when_broken}",
        steps=[(0.0, GREEN), (1.0, RED)],
        words=[(0, "kept", GREEN), (1, "1 alert", RED), (2, "2 alerts", RED)],
    )


def _budget_left(specification: Specification, objective: Objective) -> Figure:
    window = window_name(specification.time_window.duration_seconds)
    spent = f"({error_ratio(objective, window)})\n/ {number(1 - objective.target)}"
    return Figure(
        f"Budget left ({window})",
        Query(f"1 - {spent}"),
        unit=SHARE,
        description="The part of the error budget that is left; below 0 the promise is broken for these days.",
        steps=[(0.0, ORANGE), (0.25, GREEN)],
        base=RED,
    )


def _burn_rate(specification: Specification, objective: Objective) -> Iterator[Graph]:
    """Each window that an alert looks at; the line is the rate at which somebody is woken up, or told."""
    alerts = burn_rate.alerts(objective.target, specification.time_window.duration_seconds)
    queries = [
        Query(
            f'{ERROR_RATIO}{window_name(alert.long_seconds)}{{objective="{objective.name}"}}'
            f" / {number(1 - objective.target)}",
            f"over {window_name(alert.long_seconds)}",
        )
        for alert in alerts
    ]
    if queries:
        yield Graph(
            "Burn rate",
            queries,
            description="1 spends exactly the budget. The line is where the first alert fires.",
            limit=round(alerts[0].burn_rate, 6),
        )


def _value(objective: Objective, width: int) -> Graph:
    """What the indicator shows, against the objective's own value."""
    queries = [Query(_shown(objective), _legend(objective))]
    if objective.computed is not None:
        queries.append(Query(ceiling_metric(objective.computed), "ceiling"))
    line = "The line is what is promised." if objective.value is not None else "The ceiling is computed."
    text = f"{METRICS[objective.indicator].help} {line}"
    return Graph(_value_title(objective), queries, _unit(objective), text, objective.value, width)


def _shown(objective: Objective) -> str:
    metric = METRICS[objective.indicator]
    if metric.type is MetricType.HISTOGRAM:
        return quantile(objective.indicator, number(objective.target))
    if metric.type is MetricType.COUNTER:
        return f"increase({metric.name}[1h])"
    if objective.kind is Kind.GROWTH:
        return f"deriv({metric.name}[{window_name(GROWTH_WINDOW_SECONDS)}]) * 3600"
    return metric.name


def _legend(objective: Objective) -> str:
    metric = METRICS[objective.indicator]
    if metric.type is MetricType.HISTOGRAM:
        return f"{objective.target:.2%} are below"
    return "{{job}}"


def _value_title(objective: Objective) -> str:
    return "Growth per hour" if objective.kind is Kind.GROWTH else METRICS[objective.indicator].help.rstrip(".")


def _unit(objective: Objective) -> str:
    return {"seconds": SECONDS, "bytes": BYTES}.get(objective.indicator.value.rsplit("_", 1)[-1], PLAIN)
