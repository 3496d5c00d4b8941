"""PromQL for objectives. Pure: an objective in, an expression out. Metrics are those of slo/spec/metrics.py."""

from __future__ import annotations

from textwrap import indent

from prometheus_client.utils import floatToGoString

from pipeline.job_names import JOBS, flink_name
from slo.burn_rate import BurnRateAlert, window_name
from slo.spec.metrics import (
    COMPARISON_GRACE_SECONDS,
    COMPARISON_PERIOD,
    COMPARISON_START,
    COMPARISON_SUCCESS,
    EXPORTER_JOB,
    IMPLAUSIBLE_SAMPLES,
    JOB_INDICATORS,
    METRICS,
    PERIODS_WITHOUT_COMPARISON,
    MetricType,
    ceiling_metric,
)
from slo.spec.model import Indicator, Kind, Objective, Operator

ERROR_RATIO = "adctr:objective_errors:ratio_rate"
"""Followed by the window, with the label ``objective``: the share of bad samples."""
IS_BAD = "adctr:objective_bad:bool"
"""1 while a poll of an age finds it bad, else 0."""

GROWTH_WINDOW_SECONDS = 3600.0
COUNTER_WINDOW = "1h"
"""What counts as one poll of a counter: its limit is for so much time."""
SILENCE_WINDOW = "5m"
WATCHDOG = "Watchdog"
"""The alert that fires always: where it does not, no rules are loaded."""
RESTART_WINDOW = "1h"
"""An exporter that starts again has compared the counts by then."""
COMPARED_WINDOW = "3d"
"""How far back a comparison is looked for; `adctr slo export` takes no longer period than a day."""


def number(value: float) -> str:
    """Without the noise of binary fractions."""
    return f"{value:.12g}"


def bucket_label(edge: float) -> str:
    """The label ``le`` that prometheus-client gives to a bucket with this edge: ``1.0``, ``0.1``."""
    return str(floatToGoString(edge))  # type: ignore[no-untyped-call]


def error_ratio(objective: Objective, window: str) -> str:
    """The share of bad samples over a window; no result without samples.

    Of a latency, a bucket holds what is at most its edge, so that ``lt`` counts a sample of exactly the value as good.
    """
    if objective.kind is Kind.FRESHNESS:
        return f"avg_over_time({IS_BAD}{_of(objective)}[{window}])"
    metric = METRICS[objective.indicator].name
    assert objective.value is not None, f"{objective.name}: a latency has a value"
    good = f'sum(rate({metric}_bucket{{le="{bucket_label(objective.value)}"}}[{window}]))'
    return f"1 - (\n  {good}\n  /\n  sum(rate({metric}_count[{window}]))\n)"


def is_bad(objective: Objective) -> str:
    """1 where the oldest of all ages is bad, else 0."""
    assert objective.value is not None, f"{objective.name}: freshness has a value"
    comparison = ">=" if objective.op is Operator.LT else ">"
    return f"max({METRICS[objective.indicator].name}) {comparison} bool {number(objective.value)}"


def burns(objective: Objective, alert: BurnRateAlert) -> str:
    """Whether the budget burns too fast over the long and the short window."""
    over = [
        f"{ERROR_RATIO}{window_name(seconds)}{_of(objective)} > {number(alert.threshold)}"
        for seconds in (alert.long_seconds, alert.short_seconds)
    ]
    return f"(\n  {over[0]}\n  and\n  {over[1]}\n)"


def above_ceiling(objective: Objective) -> str:
    """Series above the ceiling. A counter's limit is for an hour."""
    metric = METRICS[objective.indicator]
    shown = f"increase({metric.name}[{COUNTER_WINDOW}])" if metric.type is MetricType.COUNTER else metric.name
    if objective.computed is not None:
        return f"{shown} > on () group_left () max({ceiling_metric(objective.computed)})"
    assert objective.value is not None, f"{objective.name}: has neither value nor computed"
    return f"{shown} > {number(objective.value)}"


def grows(objective: Objective) -> str:
    """Series that grow by more than the limit per hour."""
    assert objective.value is not None, f"{objective.name}: growth has a value"
    window = window_name(GROWTH_WINDOW_SECONDS)
    return f"deriv({METRICS[objective.indicator].name}[{window}]) * 3600 > {number(objective.value)}"


def differs() -> str:
    """Series with a difference. It outlasts a restart of the exporter: only a comparison that finds none ends it."""
    return f"last_over_time({METRICS[Indicator.COUNT_DIFFERENCES].name}[{RESTART_WINDOW}]) > 0"


def silent(objective: Objective) -> str:
    """A result where the probe shows nothing: no metric of some job, no ceiling, or a histogram that nothing is added
    to. Of counts: no successful comparison for too long.

    Nothing while the exporter itself is down: `exporter_down` is the alert for that.
    """
    cases = [_not_compared()] if objective.kind is Kind.CORRECTNESS else _no_samples(objective)
    return "(\n" + indent("\nor\n".join(cases), "  ") + f"\n)\nand on ()\n{_EXPORTER_ANSWERED}"


def exporter_down() -> str:
    """The exporter does not answer, or Prometheus no longer has it among its targets."""
    up = f'up{{job="{EXPORTER_JOB}"}}'
    return f"{up} == 0\nor\nabsent({up})"


def implausible() -> str:
    """Indicators with latencies below zero."""
    return f"sum by (indicator) (increase({IMPLAUSIBLE_SAMPLES}[{SILENCE_WINDOW}])) > 0"


_EXPORTER_ANSWERED = f'max(max_over_time(up{{job="{EXPORTER_JOB}"}}[3m])) == 1'
"""A window, so that an exporter that keeps restarting does not reset every `for`."""


def _no_samples(objective: Objective) -> list[str]:
    metric = METRICS[objective.indicator]
    is_histogram = metric.type is MetricType.HISTOGRAM
    series = f"{metric.name}_count" if is_histogram else metric.name
    if objective.indicator in JOB_INDICATORS:
        cases = [f'absent({series}{{job="{flink_name(job)}"}})' for job in JOBS]
    else:
        cases = [f"absent({series})"]
    if is_histogram:
        cases.append(f"rate({series}[{SILENCE_WINDOW}]) == 0")
    if objective.computed is not None:
        cases.append(f"absent({ceiling_metric(objective.computed)})")
    return cases


def _not_compared() -> str:
    """Time since the last success, or since the first start if there was none: a process that dies of every comparison
    starts again and again.

    An exporter that is not asked to compare has no period, and no alert.
    """
    return (
        "time() - (\n"
        f"  max(last_over_time({COMPARISON_SUCCESS}[{COMPARED_WINDOW}]))\n"
        "  or\n"
        f"  min(min_over_time({COMPARISON_START}[{COMPARED_WINDOW}]))\n"
        ")\n"
        f"> {PERIODS_WITHOUT_COMPARISON} * max(last_over_time({COMPARISON_PERIOD}[{RESTART_WINDOW}]))"
        f" + {number(COMPARISON_GRACE_SECONDS)}"
    )


def _of(objective: Objective) -> str:
    return f'{{objective="{objective.name}"}}'
