"""What the gates hold the code against: the project's objectives, and those of the code alone.

A gate passes when its interval does (docs/statistics.md), so its target says how long it takes. The project's own take
20 minutes. Every commit has gates of the same limits with lower targets, which show within 150 seconds.
"""

from __future__ import annotations

from dataclasses import replace

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

RATE = 5_000
COMMIT_SECONDS = 150.0
COMMIT_REFRESHES = 75
COMMIT_TARGET = 0.9
COMMIT_REFRESHES_TARGET = 0.8
"""With room for two bad seconds, which a shared machine has: each costs a run of this length 3 to 5 points."""
OF_COMMITS = ("event_to_redis", "event_to_postgres", "cache_read")
COMMIT = "commit_"
"""Before the names of those that every commit has to keep."""


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


def of_commits(bundled: Specification) -> list[Objective]:
    """The objectives of the pipeline with targets that `COMMIT_SECONDS` can show."""
    return [
        replace(
            bundled.objective(name),
            name=f"{COMMIT}{name}",
            target=COMMIT_TARGET,
            minimum=Minimum(duration_seconds=COMMIT_SECONDS / 2, samples=100),
        )
        for name in OF_COMMITS
    ]


def of_the_code() -> list[Objective]:
    """What needs no load.

    20,000 events a second leave a single process 50 µs for each. 95 %, because on a busy machine one call in a hundred
    is interrupted for longer than that, whatever the code does.
    """
    # A process that is interrupted waits for a turn of the scheduler, a few milliseconds.
    short = 0.01
    return [
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
            f"{COMMIT}dashboard_refresh_cost",
            "The dashboard is refreshed",
            0.2,
            COMMIT_REFRESHES_TARGET,
            35,
            "Ten viewers at once leave two cores to the pipeline: 0.2 s each is a tenth of them.",
            independent_seconds=0.6,
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


def specification() -> Specification:
    """All of them."""
    bundled = load_bundled()
    return replace(bundled, objectives=[*bundled.objectives, *of_commits(bundled), *of_the_code()])
