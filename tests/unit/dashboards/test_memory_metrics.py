"""The fake answers as the real read API does; `tests/integration/test_cache_manager.py` holds that one to the same."""

from __future__ import annotations

import pytest

from pipeline.cache.cache_manager import MetricsUnavailableError
from pipeline.read_results import Source
from tests.memory_metrics import MemoryMetrics
from tests.read_contract import NOON, NOW, SAMPLE, check_breakdowns


def test_the_fake_keeps_the_contract() -> None:
    check_breakdowns(MemoryMetrics(lambda: NOW, dict(SAMPLE)))
    check_breakdowns(MemoryMetrics(lambda: NOW, dict(SAMPLE), redis_down=True))


def test_the_fake_says_who_answered_and_fails_when_nobody_does() -> None:
    fake = MemoryMetrics(lambda: NOW, dict(SAMPLE))
    assert fake.breakdown(NOON, NOON + 60, 60).source is Source.REDIS
    assert fake.breakdown(NOON - 7200, NOON + 60, 60).source is Source.POSTGRES
    fake.redis_down = fake.postgres_down = True
    with pytest.raises(MetricsUnavailableError):
        fake.breakdown(NOON, NOON + 60, 60)
