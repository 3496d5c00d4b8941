"""Builds of the marts, by dbt itself, one after the other: each test goes on where the one before has ended."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from dashboards.business.view.rate import total
from pipeline.contract.cache_schema import Counts
from pipeline.store import apply_retention, connect_reader, snapshot
from pipeline.store.marts import Grain, read_marts
from slo.reconciliation.marts import ComparedMarts, compare_marts
from tests.warehouse.builds import MARTS, PASSWORD, Builds, Hours
from tests.warehouse.realtime_rows import HOUR, MINUTE, RealtimeRows

DAYS = 3
BEGIN = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=DAYS)
UNTIL = BEGIN + 58 * HOUR
"""The watermark is 15 minutes past it: the last hour is complete, and events within the allowed lateness change it."""


@pytest.fixture(scope="module")
def rows(builds: Builds) -> RealtimeRows:
    rows = RealtimeRows(builds.settings, BEGIN)
    rows.fill(24 * DAYS)
    rows.reach(UNTIL + 15 * MINUTE)
    return rows


def changed(before: Hours, after: Hours) -> set[tuple[str, datetime]]:
    return {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}


def in_every_mart(hour: datetime) -> set[tuple[str, datetime]]:
    return {(mart, hour) for mart in MARTS}


def verified(builds: Builds) -> ComparedMarts:
    with snapshot(builds.settings) as connection:
        return compare_marts(connection)


def assert_equal(builds: Builds, rows: RealtimeRows, until: datetime = UNTIL) -> None:
    for mart, dimensions in MARTS.items():
        assert builds.contents(mart) == rows.expected(dimensions, until), mart


def test_marts_hold_every_event_of_complete_hours(builds: Builds, rows: RealtimeRows) -> None:
    assert verified(builds).hours == {}, "there are no marts to compare"
    builds.build()
    assert_equal(builds, rows)
    assert builds.rows("SELECT complete_until, built_at > complete_until FROM warehouse.last_build") == [(UNTIL, True)]
    everything = sum(each[-2] + each[-1] for each in rows.expected(MARTS["campaigns_hourly"], UNTIL))
    for table in ("campaigns_daily", "placements_daily", "devices_daily", "hours"):
        assert builds.rows(f"SELECT sum(impressions + clicks) FROM warehouse.{table}") == [(everything,)], table


def test_a_second_build_touches_nothing(builds: Builds, rows: RealtimeRows) -> None:
    before = builds.hours()
    builds.build()
    assert changed(before, builds.hours()) == set()


def test_late_events_replays_and_recounts_reach_the_marts_and_nothing_else_is_touched(
    builds: Builds, rows: RealtimeRows
) -> None:
    before = builds.hours()
    in_time, late, replayed, unrecounted = UNTIL - 5 * MINUTE, BEGIN + 7 * HOUR, BEGIN + 30 * HOUR, BEGIN + 40 * HOUR
    rows.add(in_time)
    rows.add(late, late=True, record_time=UNTIL - HOUR)
    rows.replay(replayed)
    rows.recount(replayed)
    rows.reach(UNTIL + HOUR + MINUTE)
    builds.build()
    expected = in_every_mart(UNTIL - HOUR) | in_every_mart(replayed) | in_every_mart(UNTIL)
    expected |= {("placements_hourly", late), ("devices_hourly", late)}
    assert changed(before, builds.hours()) == expected
    assert_equal(builds, rows, UNTIL + HOUR)
    # Raw events have it, windows not yet, and the marts are older.
    before = builds.hours()
    rows.replay(unrecounted)
    assert verified(builds).differences == []
    builds.build()
    waiting = {("placements_hourly", unrecounted), ("devices_hourly", unrecounted)}
    assert changed(before, builds.hours()) == waiting
    rows.recount(unrecounted)
    builds.build()
    assert_equal(builds, rows, UNTIL + HOUR)


def test_the_page_reads_what_the_marts_hold(builds: Builds, rows: RealtimeRows) -> None:
    with closing(connect_reader(builds.settings)) as connection:
        found = read_marts(connection, 24 * 3600, Grain.DAY)
    assert found is not None
    until = UNTIL + HOUR
    assert found.complete_until_seconds == until.timestamp()
    cells = [each for each in rows.expected(MARTS["campaigns_hourly"], until) if each[0] >= until - 24 * HOUR]
    everything = Counts(sum(each[3] for each in cells), sum(each[4] for each in cells))
    sums = [*(each.values() for each in found.points.values()), found.hours.values()]
    assert [total(each) for each in sums] == [everything] * 4
    assert total(now for now, _ in found.campaigns.values()) == everything
    assert {start for start, _ in found.points["device"]} == {(BEGIN + n * 24 * HOUR).timestamp() for n in (1, 2)}


def test_verify_compares_every_final_hour(builds: Builds, rows: RealtimeRows) -> None:
    """One changed cell of each mart is found, and nothing besides."""
    whole = verified(builds)
    assert whole.differences == []
    assert whole.hours == {f"warehouse.{mart}": 58 for mart in MARTS}
    for mart in MARTS:
        rows.execute(
            f"UPDATE warehouse.{mart} SET clicks = clicks + 1 WHERE ctid = "
            f"(SELECT min(ctid) FROM warehouse.{mart} WHERE impressions > 0 AND hour_start = '{BEGIN}')"
        )
    found = verified(builds).differences
    assert sorted(each.store for each in found) == sorted(whole.hours)
    assert all(each.expected != each.got and each.window_seconds == 3600 for each in found)
    builds.build()
    assert verified(builds).differences == []


def test_a_wrong_mart_fails_the_build(builds: Builds, rows: RealtimeRows) -> None:
    """By windows of a minute that those of 5 minutes, which the mart is made of, don't add up to."""
    statement = (
        "UPDATE realtime.metrics_1min SET impressions = impressions + {} WHERE window_start = "
        "(SELECT min(window_start) FROM realtime.metrics_1min WHERE category <> '_canary')"
    )
    rows.execute(statement.format(1))
    ended = builds.run("build")
    assert ended.returncode == 1
    assert "equals_realtime_campaigns_hourly" in ended.stdout
    rows.execute(statement.format(-1))


def test_retention_changes_no_mart_and_a_full_refresh_refuses_to(builds: Builds, rows: RealtimeRows) -> None:
    before = builds.hours()
    now = datetime.now(UTC)
    keep = now - BEGIN - timedelta(days=1)
    report = apply_retention(builds.settings, keep, now, keep_metrics=keep - timedelta(days=1))
    assert report.metrics_rows_deleted > 0
    builds.build()
    assert changed(before, builds.hours()) == set()
    assert_equal(builds, rows, UNTIL + HOUR)
    assert verified(builds).differences == []
    ended = builds.run("build", "--full-refresh")
    assert ended.returncode == 1
    for mart, hours in (("campaigns_hourly", 48), ("placements_hourly", 25), ("devices_hourly", 25)):
        assert f"--full-refresh would lose {hours} hours of {mart}, from {BEGIN:%Y-%m-%d}" in ended.stdout
    assert "Build without --full-refresh" in ended.stdout
    assert changed(before, builds.hours()) == set()


def test_dbt_leaves_its_password_in_no_file(builds: Builds) -> None:
    written = [each for each in builds.state.rglob("*") if each.is_file()]
    assert builds.state / "warehouse" / "dbt.log" in written
    assert [each for each in written if PASSWORD.encode() in each.read_bytes()] == []
