"""What a probe is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

import psycopg2
import redis
import requests
from confluent_kafka import KafkaException

from pipeline.cache.cache_manager import MetricsUnavailableError
from pipeline.flink_rest import FlinkUnavailable
from pipeline.store import StoreUnavailable
from slo.probes.viewer import DashboardUnavailable
from slo.spec.model import Indicator

SERVICE_ERRORS: tuple[type[Exception], ...] = (
    redis.RedisError,
    psycopg2.Error,
    requests.RequestException,
    FlinkUnavailable,
    KafkaException,
    StoreUnavailable,
    MetricsUnavailableError,
    DashboardUnavailable,
)
"""What a poll raises when a service gives no answer: a failed poll. Any other error is a bug in the probe."""

NEVER = float("nan")
"""The value of a sample that never came: bad under every objective."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One measurement, in the indicator's unit.

    ``at`` is unix seconds: for a latency when it began to count (an event's intended send time, a read's start), else
    when the probe looked. ``job`` is the Flink job's name where there is one value per job, or what else it is one of
    several of: a process, a table. ``lowest`` is the lower end of a value that is only known as an interval, because
    it was found by polling; None where the value is exact.
    """

    indicator: Indicator
    at: float
    value: float
    job: str = ""
    lowest: float | None = None


@dataclass(frozen=True, slots=True)
class Doubtful:
    """Samples of one job that began to count from ``begin`` to ``end`` (unix seconds) may be too high by ``seconds``.

    Those that never came in that span may be of something that never was.
    """

    job: str
    begin: float
    end: float
    seconds: float


class Probe(Protocol):
    """Looks again and again; each poll gives the samples that have come since the last one. One thread looks."""

    name: str
    indicators: tuple[Indicator, ...]
    period_seconds: float
    complete: bool = False
    """Whether nothing that happened is missing among the samples."""

    def look(self) -> Iterable[Sample]:
        """The new samples. Raises one of ``SERVICE_ERRORS`` where a service does not answer."""

    def idle_seconds(self) -> float:
        """How long from now on a poll would find nothing due; the polls of that time are left out."""
        return 0.0

    def close(self) -> None:
        """Ends connections. No poll comes after it."""

    def subjects(self) -> tuple[str, ...]:
        """Everybody whose samples must come, by ``job``; empty where there is only one, or nobody knows beforehand."""
        return ()

    def doubtful(self) -> Iterable[Doubtful]:
        """Spans whose samples may look slower than what they measure was."""
        return ()

    def missing(self) -> Iterable[Sample]:
        """Samples that are due and have not come yet, with the value ``NEVER``. May be called from another thread."""
        return ()

    def void(self) -> str:
        """Why the samples mean nothing, or an empty string."""
        return ""

    def notes(self) -> Mapping[str, float | int | str]:
        """Figures worth showing beside the verdict."""
        return {}
