"""What the page says of figures, as literal stories."""

from __future__ import annotations

import csv
from dataclasses import replace

import pytest

from dashboards.business.components import campaign_table, series_file
from dashboards.business.components.csv_file import to_csv
from dashboards.business.selection import Compare, Selection, options
from dashboards.business.settings import Limits
from dashboards.business.snapshot import Earlier, Snapshot, Unavailable
from dashboards.business.view import difference, freshness, ranking
from dashboards.business.view.comparison import comparison, not_comparable
from dashboards.business.view.formats import Formats
from dashboards.business.view.headline import headline
from dashboards.business.view.marks import chart_marks
from dashboards.business.view.rate import Rate, rate_of
from dashboards.business.view.series import CLOSED, LIVE, ctr_points, earlier_points
from dashboards.business.view.share import share
from pipeline.cache.breakdown import CategoryWindow
from pipeline.contract.cache_schema import Counts
from pipeline.read_results import Source
from pipeline.settings import SettingsError
from pipeline.store.history import History, Mark, MarkKind

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
    assert found.compared_with == "the minute before"
    assert value(found.impressions_pace) == pytest.approx(0.1)
    assert value(found.clicks_pace) == pytest.approx(0.5)
    assert value(found.ctr_change) == pytest.approx(9 / 330 - 0.02)
    assert found.range_counts == Counts(3330, 69)


def test_the_first_seconds_of_a_minute_are_compared_with_nothing() -> None:
    found = headline(snapshot(newest_event_seconds=NOON + 9.0), None)
    assert (found.impressions_pace, found.clicks_pace, found.ctr_change) == (None, None, None)
    assert headline(snapshot(newest_event_seconds=None), None).impressions_pace is None


def test_counts_of_postgres_have_no_pace() -> None:
    """They are further than its watermark says; a share of clicks is still right."""
    found = headline(snapshot(source=Source.POSTGRES), "sports")
    assert (found.impressions_pace, found.clicks_pace) == (None, None)
    assert value(found.ctr_change) == pytest.approx(9 / 330 - 0.02)


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


def value(found: difference.Difference | None) -> float:
    assert found is not None
    return found.value


def rated(impressions: int, clicks: int) -> Rate:
    found = rate_of(Counts(impressions, clicks))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("now", "before", "low", "high"),
    [
        # Newcombe 1998, table II, method 10.
        ((70, 56), (80, 48), 0.0524, 0.3339),
        ((10, 9), (10, 3), 0.1705, 0.8090),
        ((56, 5), (29, 0), -0.0381, 0.1926),
        ((10, 10), (10, 0), 0.6075, 1.0),
        ((10, 10), (20, 0), 0.6791, 1.0),
    ],
)
def test_a_difference_of_rates_has_newcombes_interval(
    now: tuple[int, int], before: tuple[int, int], low: float, high: float
) -> None:
    found = difference.of_rates(rated(*now), rated(*before))
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


@pytest.mark.parametrize(("now", "sign"), [(Counts(1000, 20), 0), (Counts(1000, 60), 1), (Counts(5000, 25), -1)])
def test_only_a_difference_that_chance_does_not_explain_has_a_sign(now: Counts, sign: int) -> None:
    found = difference.of_rates(rated(now.impressions, now.clicks), rated(1000, 25))
    assert (found.sign, found.may_be_chance) == (sign, sign == 0)


def test_counts_are_compared_at_their_pace_with_an_interval() -> None:
    """Half of the time has gone: 50 of 100 is no change, and 60 may be chance where 6,000 of 10,000 is not."""
    same, more, surely = (difference.of_counts(n, of, 0.5) for n, of in ((50, 100), (60, 100), (6000, 10_000)))
    assert value(same) == pytest.approx(0.0)
    assert value(more) == value(surely) == pytest.approx(0.2)
    assert [each.sign for each in (same, more, surely) if each] == [0, 0, 1]
    assert difference.of_counts(5, 0, 0.5) is difference.of_counts(5, 5, 0.0) is None
    nothing_now = difference.of_counts(0, 50, 0.5)
    assert nothing_now is not None
    assert (nothing_now.value, nothing_now.low, nothing_now.sign) == (-1.0, -1.0, -1)


def earlier(compare: Compare = Compare.PREVIOUS, **changes: object) -> Earlier:
    """Ten minutes, as in `snapshot`, before those."""
    windows = (
        CategoryWindow(300, NOON - 900, {"sports": Counts(3000, 30)}),
        CategoryWindow(300, NOON - 600, {"sports": Counts(3000, 30)}),
    )
    return replace(Earlier(compare, 600, windows), **changes)  # type: ignore[arg-type]


def test_a_range_is_compared_with_the_one_before() -> None:
    """5.5 of 10 minutes have come: 3,330 impressions are 0.9 % more than 6,000 had by then."""
    found = comparison(snapshot(), earlier(), "sports")
    assert (found.name, found.before) == ("previous period", Counts(6000, 60))
    assert value(found.ctr) == pytest.approx(69 / 3330 - 0.01)
    assert value(found.impressions) == pytest.approx(3330 / 3300 - 1)
    assert found.ctr is not None
    assert found.ctr.sign == 1
    nothing = comparison(snapshot(), earlier(), "food")
    assert (nothing.ctr, nothing.impressions, nothing.clicks) == (None, None, None)
    assert comparison(snapshot(source=Source.POSTGRES), earlier(), "sports").impressions is None


def test_yesterdays_minute_takes_the_place_of_the_minute_before() -> None:
    minute = CategoryWindow(60, NOON - 86_400, {"sports": Counts(300, 3)})
    found = headline(snapshot(), "sports", earlier(Compare.YESTERDAY, minute=minute))
    assert found.compared_with == "the same minute yesterday"
    assert value(found.impressions_pace) == pytest.approx(330 / 150 - 1)
    assert headline(snapshot(), "sports", earlier(Compare.YESTERDAY)).impressions_pace is None
    assert headline(snapshot(), "sports", earlier()).compared_with == "the minute before"


@pytest.mark.parametrize(
    ("before", "begins", "title"),
    [
        (earlier(), NOON - 900, None),
        (earlier(), None, None),
        (earlier(), NOON - 600, "Not enough history to compare."),
        (earlier(windows=(CategoryWindow(300, NOON - 900, {}),)), NOON - 900, "Nothing to compare with."),
        (earlier(missing="PostgreSQL: refused"), NOON - 900, "The earlier period cannot be read."),
    ],
)
def test_why_there_is_no_comparison_is_said(before: Earlier, begins: int | None, title: str | None) -> None:
    found = not_comparable(snapshot(), before, None, begins, ENGLISH)
    assert (found and found.title) == title
    if begins == NOON - 600:
        assert found is not None
        assert found.text == (
            "Counting began at 1 Jan, 11:50; the previous period is 1 Jan, 11:45 to 1 Jan, 11:55 (UTC)."
        )


def test_the_line_compared_with_is_drawn_over_the_range() -> None:
    points = earlier_points(earlier(), "sports")
    assert [(each.at.timestamp(), each.start_seconds) for each in points] == [
        (NOON - 150, NOON - 900),
        (NOON + 150, NOON - 600),
    ]


def test_a_campaign_has_its_share_of_everything_and_of_its_category() -> None:
    everything = (CategoryWindow(300, NOON, {"sports": Counts(10_000, 100), "food": Counts(10_000, 900)}),)
    own = (CategoryWindow(300, NOON, {"sports": Counts(1000, 30)}),)
    found = share(snapshot(windows=own, everything=everything), None)
    assert (found.impressions, found.clicks, found.whole) == (0.05, 0.03, Counts(20_000, 1000))
    of_sports = share(snapshot(windows=own, everything=everything), "sports")
    assert (of_sports.impressions, of_sports.clicks) == (0.1, 0.3)
    assert value(of_sports.against_others) == pytest.approx(30 / 1000 - 70 / 9000)
    assert share(snapshot(), "sports").impressions == 3330 / 5330
    assert share(snapshot(windows=()), None).impressions is None


def test_marks_are_those_within_the_chart_in_words() -> None:
    history = History(
        NOON,
        None,
        (
            Mark(MarkKind.JOB_RESTART, "live", NOON - 7200, NOON - 7190),
            Mark(MarkKind.RECOUNT, "", NOON - 4000, NOON - 1500, NOON - 60),
            Mark(MarkKind.REPLAY, "", NOON - 1400, NOON - 1300, NOON - 90, 1234),
            Mark(MarkKind.JOB_START, "store", NOON - 900, None),
            Mark(MarkKind.JOB_RESTART, "live", NOON - 600, NOON - 592.5),
            Mark(MarkKind.OUTAGE, "redis", NOON - 300, NOON - 260),
            Mark(MarkKind.OUTAGE, "postgres", NOON - 30, None),
        ),
    )
    found = chart_marks(history, NOON - 1800, NOON + 300, NOON + 10, ENGLISH)
    assert [each.text for each in found] == [
        "Windows recounted: 10:53:20 to 11:35:00, at 11:59:00",
        "Dead letters replayed: 1,234 of 11:36:40 to 11:38:20, at 11:58:30",
        "Job store started: 11:45:00",
        "Job live restarted: 11:50:00, running after 7.5 s",
        "The live cache (Redis) did not answer: 11:55:00, for 40 s",
        "The database (PostgreSQL) did not answer: since 11:59:30",
    ]
    assert [(each.begin_seconds - NOON, each.end_seconds - NOON) for each in found[::5]] == [(-1800, -1500), (-30, 10)]
    assert chart_marks(None, NOON - 1800, NOON, NOON, ENGLISH) == []


def test_the_series_is_a_file_with_what_it_is_compared_with() -> None:
    rows = list(
        csv.DictReader(to_csv(series_file.COLUMNS, series_file.csv_rows(snapshot(), earlier(), "sports")).splitlines())
    )
    assert [row["window_start"] for row in rows] == ["2026-01-01T11:55:00Z", "2026-01-01T12:00:00Z"]
    assert [row["state"] for row in rows] == ["closed", "live"]
    assert (rows[0]["impressions"], rows[0]["clicks"], rows[0]["ctr"]) == ("3000", "60", "0.02")
    assert (rows[0]["earlier_window_start"], rows[0]["earlier_ctr"]) == ("2026-01-01T11:45:00Z", "0.01")
    alone = series_file.csv_rows(snapshot(), None, "food")
    assert alone[1][3:] == (0, 0, None, None, None, None, None, None, None)


def table_csv(rows: list[ranking.Row]) -> str:
    return to_csv(campaign_table.CSV_COLUMNS, campaign_table.csv_rows(rows))


def test_a_file_for_other_programs_has_plain_numbers_and_no_formula() -> None:
    rows = ranking.campaigns({("=1+1", "a"): Counts(3, 0), ("x,y", "b"): Counts(0, 1)}, None)
    header, formula, comma = csv.reader(table_csv(rows).splitlines())
    assert header == ["campaign", "categories", "impressions", "clicks", "ctr", "ctr_low", "ctr_high"]
    assert formula[:5] == ["'=1+1", "a", "3", "0", "0.0"]
    assert comma == ["x,y", "b", "0", "1", "", "", ""]


def test_no_spreadsheet_splits_a_name_into_a_formula() -> None:
    """Where lists are separated by semicolons; or reads what follows a line break as one."""
    rows = ranking.campaigns({("p;=1+1", "a"): Counts(3, 0), ("\n=1+1", "b"): Counts(2, 0)}, None)
    _, semicolon, _ = table_csv(rows).split("\r\n", 2)
    assert semicolon.startswith('"p;=1+1","a",3,0,0.0')
    assert '"\'\n=1+1"' in table_csv(rows)


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
