"""The canary's schedule and its event."""

from __future__ import annotations

import pytest

from pipeline.canary import canary_event, due_seconds, patience_seconds
from pipeline.contract.rules import invalid_event
from pipeline.provision import topic_specs
from pipeline.settings import Settings


@pytest.mark.parametrize(
    ("now", "last", "due"),
    [
        (100.0, 99, [100]),
        (100.9, 100, []),
        (101.0005, 100, [101]),
        (104.3, 100, [101, 102, 103, 104]),
        (200.5, 100, list(range(141, 201))),
        (40.0, 100, []),
    ],
    ids=["on time", "nothing yet", "a little late", "a pause of 3 s", "a pause of 100 s", "a clock that stepped back"],
)
def test_each_whole_second_is_due_once(now: float, last: int, due: list[int]) -> None:
    """What a pause kept back is sent after it, unless it is older than a minute."""
    assert list(due_seconds(now, last, 60.0)) == due


@pytest.mark.parametrize("slack", [1, 60, 119, 240, 600, 3600])
def test_the_broker_takes_the_oldest_canary(slack: int) -> None:
    """One that waited first in its own process and then in the producer's queue, each as long as may be."""
    settings = Settings(record_slack_seconds=slack, allowed_lateness_seconds=1, cache_retention_seconds=7200)
    oldest_ms = 2 * patience_seconds(settings) * 1000
    assert oldest_ms <= int(topic_specs(settings)[0].config["message.timestamp.before.max.ms"])


def test_the_patience_outlasts_a_broker_that_is_away_for_almost_a_minute() -> None:
    """With the settings that a stack has by default."""
    assert patience_seconds(Settings()) == 60.0


def test_a_canary_is_a_valid_event() -> None:
    """Its names are those that readers hide."""
    event = canary_event(3, "canary-x-1", 1_700_000_000_000)
    assert (event.campaign_id, event.category, event.event_type) == ("_canary-3", "_canary", "IMPRESSION")
    assert invalid_event(event) is None
