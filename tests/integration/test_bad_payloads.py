"""Bad records of every kind amid 10,000 records/s: each a dead letter, nothing else disturbed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psutil
import pytest

from compose.stack.status import status
from slo.bench.bad_payloads import KINDS
from slo.bench.dead_letters import measure

if TYPE_CHECKING:
    from tests.integration.conftest import RunningStack

RATE, SECONDS = 10_000, 12


@pytest.mark.long
@pytest.mark.embedded
def test_bad_records_are_dead_lettered_once_and_stop_nothing(stack: RunningStack) -> None:
    """One clean and one bad load. What it costs is printed; `adctr bench dead-letters` judges it."""
    pids = [row["pid"] for row in status(stack.layout)["services"] if row["name"].startswith("taskmanager")]
    outcome = measure(stack.settings, RATE, SECONDS, 1, [psutil.Process(pid) for pid in pids], print)
    print(outcome.as_json())
    assert outcome.bad == RATE * SECONDS * len(KINDS) // 100
    assert (outcome.dead_lettered, outcome.letters) == (outcome.bad, outcome.bad)
    assert (outcome.differences, outcome.restarts) == (0, 0)
