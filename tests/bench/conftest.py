"""The objectives of the benchmarks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from slo.spec.model import (
    INDEPENDENT_SECONDS,
    BudgetingMethod,
    Indicator,
    Kind,
    Minimum,
    Objective,
    Operator,
    Specification,
)
from slo.spec.parse import load_bundled


def gate(
    name: str,
    display_name: str,
    under_seconds: float,
    target: float,
    samples: int,
    why: str,
    *,
    independent_seconds: float = INDEPENDENT_SECONDS,
) -> Objective:
    """At least ``target`` of all calls take less than ``under_seconds``."""
    return Objective(
        name=name,
        display_name=display_name,
        kind=Kind.LATENCY,
        indicator=Indicator.BENCHMARK_ROUND,
        op=Operator.LT,
        value=under_seconds,
        computed=None,
        target=target,
        budgeting_method=BudgetingMethod.OCCURRENCES,
        minimum=Minimum(duration_seconds=0.0, samples=samples),
        warm_up_seconds=0.0,
        why=why,
        when_broken="Run it on a quiet machine; if it fails again, `git bisect run pytest` with this test.",
        runbook="CONTRIBUTING.md",
        independent_seconds=independent_seconds,
    )


@pytest.fixture(scope="session")
def slo_specification() -> Specification:
    """The project's own objectives, and those of the code alone.

    20,000 events a second leave a single process 50 µs for each. 95 %, because on a busy machine one call in a hundred
    is interrupted for longer than that, whatever the code does.
    """
    bundled = load_bundled()
    # A process that is interrupted waits for a turn of the scheduler, a few milliseconds.
    short = 0.01
    gates = [
        gate(
            "codec_encode",
            "An event is encoded",
            50e-6,
            0.95,
            5000,
            "A generator sends 20,000 events a second.",
            independent_seconds=short,
        ),
        gate(
            "codec_decode",
            "An event is decoded",
            50e-6,
            0.95,
            5000,
            "verify reads topics of many millions.",
            independent_seconds=short,
        ),
        gate(
            "dashboard_refresh_cost",
            "The dashboard is refreshed",
            0.2,
            0.95,
            73,
            "Ten viewers at once leave two cores to the pipeline: 0.2 s each is a tenth of them.",
        ),
        gate(
            "dashboard_comparison_cost",
            "The dashboard is refreshed and compares",
            0.2,
            0.99,
            381,
            "Who compares watches for long: a slow refresh would be seen again and again.",
            independent_seconds=0.6,
        ),
        gate(
            "share_of_10_million",
            "A share is judged",
            0.1,
            0.9,
            40,
            "Nobody should wait for a verdict.",
            independent_seconds=short,
        ),
    ]
    return replace(bundled, objectives=[*bundled.objectives, *gates])
