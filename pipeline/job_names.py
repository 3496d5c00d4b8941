"""The names of the two Flink jobs, for those who only talk about them."""

from __future__ import annotations

LIVE = "live"
STORE = "store"
JOBS = (LIVE, STORE)


def flink_name(job: str) -> str:
    """A job's name in Flink and, by design the same, its Kafka consumer group."""
    return f"adctr-{job}"
