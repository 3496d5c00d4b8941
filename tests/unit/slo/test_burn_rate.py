"""The SRE workbook's numbers come out for the workbook's objective, and others follow."""

from __future__ import annotations

import pytest

from slo.burn_rate import WORKBOOK, Severity, alerts, window_name

DAY = 86400.0


def test_the_workbooks_example() -> None:
    """99.9 % over 30 days: tables 5-6 and 5-8 say 14.4, 6 and 1 times 0.001."""
    found = [(each.severity, each.long_seconds, each.burn_rate, each.threshold) for each in alerts(0.999, 30 * DAY)]
    assert found == [
        (Severity.PAGE, 3600.0, pytest.approx(14.4), pytest.approx(0.0144)),
        (Severity.PAGE, 21600.0, pytest.approx(6.0), pytest.approx(0.006)),
        (Severity.TICKET, 259200.0, pytest.approx(1.0), pytest.approx(0.001)),
    ]


def test_short_windows_are_a_twelfth() -> None:
    assert [(each.long_seconds / each.short_seconds) for each in WORKBOOK] == [12.0, 12.0, 12.0]


def test_rates_follow_the_time_window() -> None:
    """2 % of 28 days' budget in an hour is 0.02 × 672 = 13.44 times the allowed rate."""
    assert [each.burn_rate for each in alerts(0.99, 28 * DAY)] == pytest.approx([13.44, 5.6, 0.933333333])


def test_a_rate_that_no_outage_reaches_is_left_out() -> None:
    """With a budget of 10 % nothing burns 14.4 times as fast: all events bad is 10 times."""
    assert [each.burn_rate for each in alerts(0.9, 30 * DAY)] == pytest.approx([6.0, 1.0])


def test_a_rate_that_spares_the_budget_is_left_out() -> None:
    """10 % of a week's budget in 3 days would be 0.23 times what may be spent."""
    assert [each.burn_rate for each in alerts(0.99, 7 * DAY)] == pytest.approx([3.36, 1.4])


def test_no_budget_alerts_on_the_first_bad_sample() -> None:
    assert [each.threshold for each in alerts(1.0, 30 * DAY)] == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("seconds", "name"),
    [(300.0, "5m"), (1800.0, "30m"), (3600.0, "1h"), (259200.0, "3d"), (5760.0, "96m"), (90.0, "90s")],
)
def test_windows_are_named_as_in_promql(seconds: float, name: str) -> None:
    assert window_name(seconds) == name
