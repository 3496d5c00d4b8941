"""A run of ten minutes with one objective of every kind: a stall of 6 s, a leak, a ceiling broken, names to escape."""

from __future__ import annotations

import numpy as np

from slo.recording import Exactness, Recording, Series
from slo.spec.model import Indicator, Kind, Minimum, Specification
from tests.unit.slo.verdict.building import objective, specification

BEGAN = 1_764_000_000.0
SECONDS = 600.0


def example() -> tuple[Specification, Recording]:
    """The specification and the recording; the same each time."""
    rng = np.random.default_rng(31)
    due = BEGAN + np.linspace(0.0, SECONDS, 60_000, endpoint=False)
    latency = rng.lognormal(np.log(0.25), 0.35, len(due))
    stalled = (due > BEGAN + 200.0) & (due < BEGAN + 206.0)
    latency[stalled] += BEGAN + 206.0 - due[stalled]
    looks = BEGAN + np.arange(0.0, SECONDS, 1.0)
    leak = 5e7 + 3e7 * (looks - BEGAN) / 3600.0 + rng.normal(0, 2e5, len(looks)) + 1e6 * (looks % 20.0) / 20.0
    memory = 4e7 + 1e6 * np.sin(looks / 40.0)
    memory[400:404] = 7e7
    return (
        specification(
            objective(Kind.LATENCY, name="event_to_redis", display_name="Events live in Redis", target=0.99),
            objective(Kind.FRESHNESS, name="dashboard_age", display_name="Dashboard <fresh> & quick", value=11.0),
            objective(Kind.CEILING, name="redis_memory", display_name="Redis memory", value=6e7),
            objective(Kind.GROWTH, name="checkpoint_growth", display_name="Checkpoint size grows", value=1e7),
            objective(Kind.CORRECTNESS, name="counts_exact", display_name="Counts exactly right"),
            objective(
                Kind.LATENCY,
                name="cache_read",
                display_name="Cache reads",
                indicator=Indicator.CACHE_READ,
                target=0.999,
                minimum=Minimum(3600.0, 4000),
            ),
        ),
        Recording(
            BEGAN,
            BEGAN + SECONDS,
            {
                Indicator.EVENT_TO_REDIS: Series(due, latency, lowest=latency - 0.06, complete=True),
                Indicator.DASHBOARD_AGE: Series(looks, rng.uniform(1.0, 10.5, len(looks))),
                Indicator.REDIS_MEMORY: Series(looks, memory),
                Indicator.CHECKPOINT_SIZE: Series(looks, leak),
            },
            exactness=Exactness(records=60_000, differences=0),
            notes={"rate": 100.0, "profile": "<script>alert(1)</script>"},
        ),
    )
