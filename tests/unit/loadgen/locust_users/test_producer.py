"""Which request an answer belongs to."""

from __future__ import annotations

import numpy as np

from loadgen.locust_users.gates import Gate
from loadgen.locust_users.plan import LocustPlan
from loadgen.locust_users.producer import OnDemand, Outstanding, Request
from loadgen.publisher import Answers


def _answers(*seqs: int, failed: bool = False) -> Answers:
    partitions = np.full(len(seqs), -1 if failed else 2, np.int64)
    return Answers(np.array(seqs, np.int64), partitions, np.zeros(len(seqs), np.int64))


def test_a_request_is_answered_with_its_last_event() -> None:
    """Two requests of three and two events, whose answers come mixed, one of them a failure."""
    outstanding = Outstanding()
    outstanding.add(0, Request(10, 3))
    outstanding.add(3, Request(11, 2))
    assert outstanding.answered(_answers(3, 0, 1)) == []
    assert outstanding.answered(_answers(4, failed=True)) == [Request(11, 0, acknowledged=1, failed=1)]
    assert len(outstanding) == 1
    assert outstanding.answered(_answers(2)) == [Request(10, 0, acknowledged=3)]
    assert len(outstanding) == 0


def test_a_repeated_event_is_answered_twice() -> None:
    """As the profile `duplicates` sends it."""
    outstanding = Outstanding()
    outstanding.add(0, Request(1, 3))
    assert outstanding.answered(_answers(0, 1)) == []
    assert outstanding.answered(_answers(1)) == [Request(1, 0, acknowledged=3)]


def test_events_of_one_request_are_due_together() -> None:
    """When it was meant to be sent, whatever has been asked for before."""
    schedule = OnDemand(start_ns=100)
    schedule.ask(3, 150)
    assert (schedule.offsets_ns(0, 3).tolist(), schedule.due(0)) == ([50, 50, 50], 3)
    schedule.ask(2, 400)
    assert (schedule.offsets_ns(3, 2).tolist(), schedule.due(0)) == ([300, 300], 5)


def test_a_plan_goes_through_the_environment() -> None:
    """Gates and all."""
    gate = Gate("cache_read", "CACHE", 100.0, inclusive=False, target=0.999, samples=3838)
    plan = LocustPlan("steady", 1, "/tmp/parts", 100.0, 10.0, None, (gate,), 7)
    assert LocustPlan.from_env(plan.to_env()) == plan
