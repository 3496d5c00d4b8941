"""What the read API answers to the sample, whichever store answers, and what a fake of it must answer, too."""

from __future__ import annotations

import time

from dashboards.business.past import MetricsReads
from pipeline.contract.cache_schema import Counts

NOON = int(time.time()) // 300 * 300
"""The start of the five minutes of now: Redis goes by its own clock and would have let older windows expire."""
NOW = NOON + 30
"""Half a minute into both windows."""
MINUTE_BEFORE = NOON - 60

SAMPLE: dict[int, dict[tuple[str, str], Counts]] = {
    NOON: {
        ("shoes", "sports"): Counts(10, 1),
        ("boots", "sports"): Counts(5, 0),
        ("_canary-0", "_canary"): Counts(30, 0),
    },
    MINUTE_BEFORE: {
        ("shoes", "sports"): Counts(20, 4),
        ("shoes", "fashion"): Counts(1, 1),
        ("hats", "fashion"): Counts(0, 2),
        ("_canary-0", "_canary"): Counts(60, 0),
    },
}
"""Counts per window of a minute."""


def check_breakdowns(reads: MetricsReads) -> None:
    """Of a store that holds the sample, at `NOW`."""
    _check_everything(reads)
    _check_one_campaign(reads)
    _check_what_nobody_counted(reads)


def _check_everything(reads: MetricsReads) -> None:
    whole = reads.breakdown(MINUTE_BEFORE - 60, NOON + 60, 60).value
    assert [(each.start_seconds, dict(each.by_category)) for each in whole.windows] == [
        (MINUTE_BEFORE - 60, {}),
        (MINUTE_BEFORE, {"sports": Counts(20, 4), "fashion": Counts(1, 3)}),
        (NOON, {"sports": Counts(15, 1)}),
    ]
    assert dict(whole.cells) == {
        ("shoes", "sports"): Counts(30, 5),
        ("boots", "sports"): Counts(5, 0),
        ("shoes", "fashion"): Counts(1, 1),
        ("hats", "fashion"): Counts(0, 2),
    }
    windows_alone = reads.breakdown(MINUTE_BEFORE - 60, NOON + 60, 60, campaigns=False).value
    assert windows_alone.windows == whole.windows
    assert windows_alone.cells == {}


def _check_one_campaign(reads: MetricsReads) -> None:
    shoes = reads.breakdown(MINUTE_BEFORE, NOON + 60, 60, campaign_id="shoes").value
    assert [dict(each.by_category) for each in shoes.windows] == [
        {"sports": Counts(20, 4), "fashion": Counts(1, 1)},
        {"sports": Counts(10, 1)},
    ]
    assert dict(shoes.cells) == {("shoes", "sports"): Counts(30, 5), ("shoes", "fashion"): Counts(1, 1)}
    alone = reads.breakdown(MINUTE_BEFORE, NOON + 60, 60, campaign_id="shoes", campaigns=False).value
    assert (alone.windows, dict(alone.cells)) == (shoes.windows, {})


def _check_what_nobody_counted(reads: MetricsReads) -> None:
    for campaign in ("nobody", "_canary-0", "sh*"):
        found = reads.breakdown(MINUTE_BEFORE, NOON + 60, 60, campaign_id=campaign).value
        assert [dict(each.by_category) for each in found.windows] == [{}, {}]
        assert dict(found.cells) == {}
