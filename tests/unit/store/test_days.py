"""Days of raw_events: names, which to create, which to drop."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from compose.commands.store import parse_duration
from compose.errors import UsageError
from pipeline.store.partitions import expired_days, partition_day, partition_name, upcoming_days


def test_names_and_days_are_inverse() -> None:
    assert partition_name(date(2026, 1, 2)) == "raw_events_p20260102"
    assert partition_day("raw_events_p20260102") == date(2026, 1, 2)
    assert partition_day("raw_events_default") is None


def test_days_are_created_from_yesterday_to_a_week_ahead() -> None:
    days = upcoming_days(date(2026, 1, 1))
    assert (days[0], days[-1], len(days)) == (date(2025, 12, 31), date(2026, 1, 8), 9)


def test_only_days_that_lie_wholly_before_the_limit_expire() -> None:
    days = [date(2026, 1, 3), date(2026, 1, 1), date(2026, 1, 2)]
    assert expired_days(days, datetime(2026, 1, 3, tzinfo=UTC)) == [date(2026, 1, 1), date(2026, 1, 2)]
    assert expired_days(days, datetime(2026, 1, 2, 23, 59, tzinfo=UTC)) == [date(2026, 1, 1)]


@pytest.mark.parametrize(
    ("text", "duration"),
    [("7d", timedelta(days=7)), ("12h", timedelta(hours=12)), ("5m", timedelta(minutes=5)), ("0s", timedelta(0))],
)
def test_durations(text: str, duration: timedelta) -> None:
    assert parse_duration(text) == duration


@pytest.mark.parametrize("text", ["7", "d", "-1d", "7 d", "7w", "1.5h", ""])
def test_what_is_no_duration_is_refused_with_examples(text: str) -> None:
    with pytest.raises(UsageError, match="7d, 12h, 30m or 60s"):
        parse_duration(text)
