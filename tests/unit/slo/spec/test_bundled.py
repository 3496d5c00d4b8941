"""The objectives that come with the package."""

from __future__ import annotations

from pathlib import Path

import pytest

from slo.spec.model import BudgetingMethod, Ceiling, Indicator, Kind, Minimum, Operator
from slo.spec.parse import _MINIMUM, _OBJECTIVE, _TIME_WINDOW, _TOP, DOCS, load, load_bundled, load_bundled_soak

SMALL = Path(__file__).parent / "small.yaml"


def test_the_names_are_promises_to_scripts() -> None:
    assert [each.name for each in load_bundled().objectives] == [
        "counts_exact", "event_to_redis", "event_to_postgres", "window_close", "cache_read", "checkpoint_size",
        "checkpoint_size_growth", "checkpoint_duration", "checkpoint_age", "redis_memory", "redis_memory_growth",
        "redis_keys_without_ttl", "redis_evictions", "dashboard_refresh", "consumer_lag",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "kind", "op", "value", "target"),
    [
        ("counts_exact", Kind.CORRECTNESS, Operator.LTE, 0.0, 1.0),
        ("event_to_redis", Kind.LATENCY, Operator.LT, 1.0, 0.99),
        ("event_to_postgres", Kind.LATENCY, Operator.LT, 5.0, 0.99),
        ("window_close", Kind.LATENCY, Operator.LT, 1.0, 0.9),
        ("cache_read", Kind.LATENCY, Operator.LT, 0.1, 0.999),
        ("checkpoint_size", Kind.CEILING, Operator.LTE, 200e6, 1.0),
        ("checkpoint_age", Kind.FRESHNESS, Operator.LT, 30.0, 0.99),
        ("dashboard_refresh", Kind.FRESHNESS, Operator.LT, 11.0, 0.99),
        ("redis_memory", Kind.CEILING, Operator.LTE, None, 1.0),
        ("consumer_lag", Kind.CEILING, Operator.LTE, 500_000.0, 1.0),
    ],
)
def test_what_is_promised(name: str, kind: Kind, op: Operator, value: float | None, target: float) -> None:
    """In the indicator's unit: seconds, bytes, records."""
    found = load_bundled().objective(name)
    assert (found.kind, found.op, found.value, found.target) == (kind, op, value, target)


def test_names_of_the_soak_are_promises_too() -> None:
    """With the job, table or process behind a dot where there are several."""
    assert [each.name for each in load_bundled_soak().objectives] == [
        "counts_exact", "checkpoint_size_growth", "state_storage_growth", "redis_memory_growth",
        "postgres_bloat_growth", "process_memory_growth", "process_file_handles_growth", "process_threads_growth",
    ]  # fmt: skip


def test_units_and_defaults() -> None:
    """36m, 20MB and a target left out become 2160 s, 2·10⁷ bytes and 1."""
    specification = load(SMALL)
    growth = specification.objective("redis_memory_growth")
    assert specification.time_window.duration_seconds == 2_419_200.0
    assert (growth.warm_up_seconds, growth.value, growth.target) == (2160.0, 20e6, 1.0)
    assert growth.minimum == Minimum(duration_seconds=3000.0, samples=100)
    assert (growth.indicator, growth.budgeting_method) == (Indicator.REDIS_MEMORY, BudgetingMethod.OCCURRENCES)
    assert load_bundled().objective("redis_memory").computed is Ceiling.REDIS_MEMORY


def test_growth_of_memory_waits_until_keys_expire() -> None:
    """Retention is 30 minutes by default and the longer window 5."""
    growth = load_bundled().objective("redis_memory_growth")
    assert growth.warm_up_seconds >= 35 * 60
    assert growth.minimum.duration_seconds >= growth.warm_up_seconds + 600


def test_an_installation_without_docs_has_no_runbooks_to_look_for(tmp_path: Path) -> None:
    assert load(SMALL, docs=tmp_path / "absent").service == "adctr"


def test_every_key_is_documented() -> None:
    page = (DOCS / "objectives.md").read_text(encoding="utf-8")
    undocumented = [key for keys in (_TOP, _TIME_WINDOW, _OBJECTIVE, _MINIMUM) for key in keys if key not in page]
    assert undocumented == []
