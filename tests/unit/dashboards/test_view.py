"""What the page says of figures, as literal stories."""

from __future__ import annotations

import csv
from dataclasses import replace

import pytest

from dashboards.business.components.campaign_table import to_csv
from dashboards.business.selection import Selection, options
from dashboards.business.settings import Limits
from dashboards.business.snapshot import Snapshot, Unavailable
from dashboards.business.view import freshness, ranking
from dashboards.business.view.formats import Formats
from dashboards.business.view.headline import headline
from dashboards.business.view.rate import rate_of
from dashboards.business.view.series import CLOSED, LIVE, ctr_points
from pipeline.cache.breakdown import CategoryWindow
from pipeline.contract.cache_schema import Counts
from pipeline.read_results import Source
from pipeline.settings import SettingsError

NOON = 1_767_268_800
"""2026-01-01T12:00:00Z."""
ENGLISH = Formats.of("en-GB", None)


def snapshot(now: float = NOON + 30.0, **changes: object) -> Snapshot:
    """Half a minute into noon: 600 impressions a minute before, 330 so far."""
    minutes = [CategoryWindow(60, NOON - n * 60, {}) for n in range(30, 1, -1)]
    minutes.append(CategoryWindow(60, NOON - 60, {"sports": Counts(600, 12), "food": Counts(400, 20)}))
    minutes.append(CategoryWindow(60, NOON, {"sports": Counts(330, 9)}))
    windows = (
        CategoryWindow(300, NOON - 300, {"sports": Counts(3000, 60), "food": Counts(2000, 100)}),
        CategoryWindow(300, NOON, {"sports": Counts(330, 9)}),
    )
    found = Snapshot(
        read_at_seconds=now,
        read_seconds=0.012,
        source=Source.REDIS,
        watermark_ms=int((now - 5) * 1000),
        newest_event_seconds=now,
        minutes=tuple(minutes),
        windows=windows,
        cells={("shoes", "sports"): Counts(3330, 69), ("pizza", "food"): Counts(2000, 100)},
    )
    return replace(found, **changes)  # type: ignore[arg-type]


def test_one_click_of_two_impressions_tops_no_list() -> None:
    cells = {
        ("lucky", "a"): Counts(2, 1),
        ("good", "a"): Counts(100, 20),
        ("big", "a"): Counts(10_000, 500),
        ("unlucky", "a"): Counts(2, 0),
        ("bad", "a"): Counts(10_000, 10),
        ("unseen", "a"): Counts(0, 1),
    }
    rows = ranking.campaigns(cells, None)
    assert [row.name for row in rows] == ["good", "lucky", "big", "bad", "unlucky", "unseen"]
    assert [row.name for row in ranking.worst_first(rows)] == ["bad", "big", "good", "unlucky", "lucky"]


def test_a_rate_has_its_interval() -> None:
    rate = rate_of(Counts(2, 1))
    assert rate is not None
    assert (rate.value, round(rate.low, 3), round(rate.high, 3)) == (0.5, 0.095, 0.905)
    assert rate_of(Counts(0, 3)) is None
    more_clicks = rate_of(Counts(2, 3))
    assert more_clicks is not None
    assert (more_clicks.value, more_clicks.high) == (1.5, 1.5)


def test_the_headline_compares_at_the_same_pace() -> None:
    found = headline(snapshot(), "sports")
    assert (found.counts, found.impressions_before, found.clicks_before) == (Counts(330, 9), (600,), (12,))
    assert found.impressions_pace == pytest.approx(0.1)
    assert found.clicks_pace == pytest.approx(0.5)
    assert found.ctr_change == pytest.approx(9 / 330 - 0.02)
    assert found.range_counts == Counts(3330, 69)


def test_the_first_seconds_of_a_minute_are_compared_with_nothing() -> None:
    found = headline(snapshot(newest_event_seconds=NOON + 9.0), None)
    assert (found.impressions_pace, found.clicks_pace, found.ctr_change) == (None, None, None)
    assert headline(snapshot(newest_event_seconds=None), None).impressions_pace is None


def test_counts_of_postgres_have_no_pace() -> None:
    """They are further than its watermark says; a share of clicks is one all the same."""
    found = headline(snapshot(source=Source.POSTGRES), "sports")
    assert (found.impressions_pace, found.clicks_pace) == (None, None)
    assert found.ctr_change == pytest.approx(9 / 330 - 0.02)


def test_live_windows_are_a_stretch_of_their_own() -> None:
    points = [(p.start_seconds, p.size_seconds, p.part, p.marked) for p in ctr_points(snapshot(), 1800, None)]
    assert points == [
        (NOON - 300, 300, CLOSED, True),
        (NOON - 300, 300, LIVE, False),
        (NOON, 300, LIVE, True),
        (NOON - 60, 60, CLOSED, True),
        (NOON - 60, 60, LIVE, False),
        (NOON, 60, LIVE, True),
    ]
    assert {p.size_seconds for p in ctr_points(snapshot(), 10_800, None)} == {300}
    assert ctr_points(snapshot(watermark_ms=None), 1800, None)[0].part == LIVE


def test_the_status_names_what_is_off() -> None:
    fresh = freshness.freshness(snapshot(newest_event_seconds=NOON + 29.2), Limits(), ENGLISH)
    assert fresh.on_target
    assert [check.text for check in fresh.checks] == [
        "newest event 800 ms old (limit 2.0 s)",
        "cache read in 12 ms (limit 100 ms)",
    ]
    late = freshness.freshness(snapshot(newest_event_seconds=NOON - 10.0), Limits(), ENGLISH)
    assert [check.kept for check in late.checks] == [False, True]
    slow = freshness.freshness(snapshot(read_seconds=0.1), Limits(), ENGLISH)
    assert [check.kept for check in slow.checks] == [True, False]
    from_postgres = freshness.freshness(
        snapshot(source=Source.POSTGRES, newest_event_seconds=NOON + 25.0), Limits(), ENGLISH
    )
    assert [check.kept for check in from_postgres.checks] == [True, False]


def test_notices_say_what_is_not_as_usual_and_nothing_else() -> None:
    def titles(**changes: object) -> list[str]:
        return [notice.title for notice in freshness.notices(snapshot(**changes), Limits(), ENGLISH)]

    assert titles() == []
    assert titles(source=Source.POSTGRES) == ["Served from the database."]
    assert titles(past_missing="PostgreSQL: refused") == ["The older part is not complete."]
    assert titles(newest_event_seconds=NOON - 0.1) == ["The figures stand still."]
    assert titles(newest_event_seconds=NOON) == []


def test_no_notice_shows_an_address_or_an_error() -> None:
    gone = Unavailable(NOON, "Redis at 127.0.0.1:6379: Connection refused")
    text = freshness.unavailable(gone, snapshot(), 10, ENGLISH).text
    assert "127.0.0.1" not in text
    assert "You still see the figures of 12:00:30 (UTC)." in text
    assert "every 10 s" in text


@pytest.mark.parametrize(
    ("locale", "zone", "number", "percent", "time"),
    [
        ("en-US", "America/New_York", "1,234,567", "3.41%", "7:00:05 AM"),
        ("de-DE", "Europe/Berlin", "1.234.567", "3,41\u00a0%", "13:00:05"),
        ("fr-FR", "Europe/Paris", "1\u202f234\u202f567", "3,41\u00a0%", "13:00:05"),
        ("de-CH", "Europe/Zurich", "1’234’567", "3.41\u00a0%", "13:00:05"),
        (None, "No/Such", "1,234,567", "3.41%", "12:00:05"),
    ],
)
def test_figures_are_written_as_the_viewer_does(
    locale: str | None, zone: str, number: str, percent: str, time: str
) -> None:
    formats = Formats.of(locale, zone)
    assert (formats.number(1_234_567), formats.percent(0.0341), formats.time(NOON + 5)) == (number, percent, time)


def test_a_file_for_other_programs_has_plain_numbers_and_no_formula() -> None:
    rows = ranking.campaigns({("=1+1", "a"): Counts(3, 0), ("x,y", "b"): Counts(0, 1)}, None)
    header, formula, comma = csv.reader(to_csv(rows).splitlines())
    assert header == ["campaign", "categories", "impressions", "clicks", "ctr", "ctr_low", "ctr_high"]
    assert formula[:5] == ["'=1+1", "a", "3", "0", "0.0"]
    assert comma == ["x,y", "b", "0", "1", "", "", ""]


def test_no_spreadsheet_splits_a_name_into_a_formula() -> None:
    """Where lists are separated by semicolons; or reads what follows a line break as one."""
    rows = ranking.campaigns({("p;=1+1", "a"): Counts(3, 0), ("\n=1+1", "b"): Counts(2, 0)}, None)
    _, semicolon, _ = to_csv(rows).split("\r\n", 2)
    assert semicolon.startswith('"p;=1+1","a",3,0,0.0')
    assert '"\'\n=1+1"' in to_csv(rows)


def test_filters_offer_what_a_link_names() -> None:
    assert options(["b", "a", "b"], "gone") == ["a", "b", "gone"]
    assert Selection("1 h").range_seconds == 3600
    assert not Selection("1 h").filtered
    assert Selection(category="a").filtered


def test_limits_come_from_the_environment_and_back() -> None:
    limits = Limits(1.5, 5.0, 0.2, 60.0)
    assert Limits.from_env(limits.to_env()) == limits
    with pytest.raises(SettingsError, match="ADCTR_DASHBOARD_STALE_SECONDS='soon': must be a number of seconds"):
        Limits.from_env({"ADCTR_DASHBOARD_STALE_SECONDS": "soon"})
