"""Every checker of what readers were told passes over a good recording, and is seen to fail on a bad one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.cache.breakdown import Breakdown, CategoryWindow
from pipeline.contract.cache_schema import Counts
from pipeline.contract.windows import WindowState
from pipeline.read_results import Reading, Source, WindowCounts
from slo.schedules.reader import told_campaigns, told_totals
from slo.schedules.told import Told, ToldWindow, changed_finals, fallen_counts, mixed_states, wrong_reads

NOON = 1_767_268_800


def told(second: float, impressions: int, source: str = "redis", *, final: bool = False, clicks: int = 0) -> Told:
    """An answer about one window, given so many seconds after its start."""
    counts = Counts(impressions, clicks)
    window = ToldWindow(NOON, counts, final)
    return Told(source, NOON + second - 0.1, NOON + second, 60, (window,), counts)


GOOD = [
    told(1, 10),
    told(2, 25),
    told(3, 20, "postgres"),
    told(4, 25),
    told(5, 40, "postgres", clicks=2),
    told(250, 50, "postgres", final=True, clicks=3),
    told(260, 50, final=True, clicks=3),
    told(400, 51, final=True, clicks=4),
    told(401, 51, "postgres", final=True, clicks=4),
]
"""One store is behind the other, and between the last answers the window is counted again."""
RECOUNTED = [(NOON + 270.0, NOON + 280.0)]


def texts(found: object) -> list[str]:
    return [each.text for each in found]  # type: ignore[attr-defined]


def test_nothing_is_wrong_with_a_good_recording() -> None:
    assert wrong_reads(GOOD, RECOUNTED) == []


def test_a_final_window_that_changes_is_found_in_either_store() -> None:
    """Without the recount the last two answers changed what was final."""
    found = texts(changed_finals(GOOD, []))
    told_now, before = f"51 impressions 4 clicks of the 60 s window {NOON}", "50 impressions 3 clicks"
    assert found == [f"{source} told {told_now}: final, and changed from {before}" for source in ("redis", "postgres")]
    assert len(wrong_reads(GOOD, [])) == 2


def test_a_recount_excuses_no_change_after_it_and_none_before() -> None:
    late = [*GOOD, told(500, 52, "postgres", final=True, clicks=4)]
    assert len(texts(changed_finals(late, RECOUNTED))) == 1
    early = [*GOOD[:7], told(265, 49, final=True, clicks=3), *GOOD[7:]]
    assert len(texts(changed_finals(early, RECOUNTED))) == 1


def test_an_answer_amid_a_recount_is_of_either_revision() -> None:
    answer = replace(told(271, 51, final=True, clicks=4), asked_at=NOON + 269.0)
    assert wrong_reads([*GOOD[:7], answer, *GOOD[7:]], RECOUNTED) == []


@pytest.mark.parametrize(("impressions", "clicks"), [(24, 0), (0, 0), (60, -1)])
def test_a_count_that_falls_in_one_store_is_found(impressions: int, clicks: int) -> None:
    answers = [told(1, 10), told(2, 25), told(3, impressions, clicks=clicks), told(4, 60)]
    assert len(texts(fallen_counts(answers, []))) == 1
    assert "fallen from 25 impressions 0 clicks" in texts(fallen_counts(answers, []))[0]


def test_a_count_that_returns_after_a_fall_is_no_second_one() -> None:
    assert len(texts(fallen_counts([told(1, 30), told(2, 20), told(3, 30)], []))) == 1


def test_a_count_that_falls_with_a_recount_is_a_new_revision() -> None:
    answers = [told(265, 50), told(300, 49)]
    assert texts(fallen_counts(answers, RECOUNTED)) == []
    assert len(texts(fallen_counts(answers, []))) == 1


def test_an_answer_whose_windows_and_campaigns_differ_mixes_two_states() -> None:
    bad = replace(told(1, 10), cells=Counts(9, 0))
    assert texts(mixed_states([bad])) == [
        "redis told 10 impressions 0 clicks by window and 9 impressions 0 clicks by campaign in one answer"
    ]
    assert texts(mixed_states([replace(bad, cells=None)])) == []
    assert len(wrong_reads([bad], [])) == 1


def test_totals_and_campaigns_are_recorded_as_they_were_told() -> None:
    watermark_ms = (NOON + 60 + 100) * 1000
    points = (
        WindowCounts(60, NOON, WindowState.FINAL, Counts(4, 1)),
        WindowCounts(60, NOON + 60, WindowState.LIVE, Counts(1, 0)),
    )
    series = Reading(points, Source.REDIS, WindowState.LIVE, watermark_ms, NOON + 170.0)
    windows = (
        CategoryWindow(60, NOON, {"hats": Counts(3, 1), "shoes": Counts(1, 0)}),
        CategoryWindow(60, NOON + 60, {"hats": Counts(1, 0)}),
    )
    cells = {("a", "hats"): Counts(4, 1), ("b", "shoes"): Counts(1, 0)}
    page = Reading(Breakdown(windows, cells), Source.REDIS, WindowState.LIVE, watermark_ms, NOON + 170.0)
    by_totals, by_campaigns = told_totals(series, 1.0, 2.0), told_campaigns(page, 100, 1.0, 2.0)
    assert by_totals == replace(by_campaigns, cells=None)
    assert by_campaigns.cells == Counts(5, 1)
    assert [each.final for each in by_campaigns.windows] == [True, False]
