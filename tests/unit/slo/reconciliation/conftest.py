"""Fixtures of the reconciliation's tests."""

from __future__ import annotations

import pytest

from tests.unit.slo.reconciliation.memory_topic import Topic, ordinary_topic


@pytest.fixture
def topic() -> Topic:
    return ordinary_topic()
