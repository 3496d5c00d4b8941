"""Days of raw_events: names, which to create, which to drop."""

from __future__ import annotations

from datetime import UTC, date, datetime

from pipeline.store.default_partition import partition_name
from pipeline.store.partitions import expired_days, partition_day, upcoming_days


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
