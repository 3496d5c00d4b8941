"""What comparisons found, as Prometheus would read it minutes and hours later."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from slo.exporter.comparisons import ComparisonMetrics

PERIOD = 1800.0


class Clock:
    """A clock that stands until it is set."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


class World:
    """The metrics of an exporter that began to compare at second 1000."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.registry = CollectorRegistry()
        self.comparisons = ComparisonMetrics(self.registry, PERIOD, self.clock)

    def value(self, name: str) -> float | None:
        return self.registry.get_sample_value(f"adctr_count_{name}")


def test_one_that_never_succeeds_is_visible() -> None:
    """How often, since when, how many failures; no differences and no time of a success."""
    world = World()
    world.comparisons.failed()
    world.clock.now = 9000.0
    assert world.value("comparison_period_seconds") == PERIOD
    assert world.value("comparison_start_timestamp_seconds") == 1000.0
    assert world.value("comparison_failures_total") == 1.0
    assert world.value("comparison_success_timestamp_seconds") is None
    assert world.value("differences") is None


def test_no_differences_are_told_for_two_periods_and_ten_minutes() -> None:
    """The time of the success stays, so that rules can tell its age."""
    world = World()
    world.comparisons.succeeded(0)
    world.clock.now = 1000.0 + 2 * PERIOD + 599
    assert world.value("differences") == 0.0
    world.clock.now = 1000.0 + 2 * PERIOD + 601
    assert world.value("differences") is None
    assert world.value("comparison_success_timestamp_seconds") == 1000.0


def test_a_difference_stays_until_a_comparison_finds_none() -> None:
    world = World()
    world.comparisons.succeeded(2)
    world.comparisons.failed()
    world.clock.now = 90_000.0
    assert world.value("differences") == 2.0
    world.comparisons.succeeded(0)
    assert world.value("differences") == 0.0
