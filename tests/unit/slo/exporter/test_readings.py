"""What is read beside the probes: a value that can't be read again ages, and one source's trouble is its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric as Family

from slo.exporter.readings import STALE_SECONDS, Readings
from slo.exporter.storage import disk
from tests.integration.waiting import eventually


def page(registry: CollectorRegistry) -> str:
    return generate_latest(registry).decode()


def test_a_source_that_fails_ages_and_the_others_go_on() -> None:
    now = [0.0]
    broken = [False]

    def one() -> Sequence[Family]:
        if broken[0]:
            raise ConnectionError("gone")
        return [GaugeMetricFamily("one", "One.", value=1)]

    def two() -> Sequence[Family]:
        return [GaugeMetricFamily("two", "Two.", value=now[0])]

    registry = CollectorRegistry()
    with Readings(registry, {"one": one, "two": two}, period_seconds=0.01, clock=lambda: now[0]):
        eventually("both are read", lambda: {"one 1.0", "two 0.0"} <= set(page(registry).splitlines()), 10)
        broken[0] = True
        now[0] = STALE_SECONDS + 1
        eventually("the other one goes on", lambda: f"two {now[0]}" in page(registry), 10)
        eventually("the first one is left out", lambda: "one 1.0" not in page(registry), 10)
        broken[0] = False
        eventually("it is back", lambda: "one 1.0" in page(registry), 10)


def test_the_disk_of_a_directory_that_is_not_made_yet_is_its_parents(tmp_path: Path) -> None:
    free, size = disk(str(tmp_path / "not" / "yet"))
    assert 0 < free.samples[0].value <= size.samples[0].value


def test_an_object_store_is_no_disk() -> None:
    assert disk("s3://bucket/checkpoints") == []
