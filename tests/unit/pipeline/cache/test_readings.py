"""Ranking, age, and the translation between questions, Redis replies and counts."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.cache.cache_commands import ask_counts, per_campaign, per_category, sums_of
from pipeline.contract.cache_schema import Counts
from pipeline.contract.windows import WindowState
from pipeline.read_results import NamedCounts, Order, Ranking, Reading, Source, ranked
from pipeline.store.metrics_queries import windows_of

ROWS = [
    NamedCounts("a", Counts(100, 1)),
    NamedCounts("b", Counts(10, 5)),
    NamedCounts("c", Counts(100, 2)),
    NamedCounts("d", Counts(0, 3)),
]


@pytest.mark.parametrize(
    ("order", "lowest", "names"),
    [
        (Order.IMPRESSIONS, False, "acbd"),
        (Order.IMPRESSIONS, True, "dbac"),
        (Order.CLICKS, False, "bdca"),
        (Order.CTR, False, "bca"),
        (Order.CTR, True, "acb"),
    ],
)
def test_campaigns_are_ranked_with_ties_by_name_and_by_ctr_only_where_there_is_one(
    order: Order, lowest: bool, names: str
) -> None:
    rows = ranked(list(ROWS), Ranking(order, lowest, limit=None))
    assert "".join(row.name for row in rows) == names


def test_ranking_can_ask_for_a_volume_and_a_number() -> None:
    rows = ranked(list(ROWS), Ranking(Order.CTR, limit=1, minimum_impressions=50))
    assert [row.name for row in rows] == ["c"]


def reading(watermark_ms: int | None) -> Reading[int]:
    return Reading(1, Source.REDIS, WindowState.LIVE, watermark_ms, read_at_seconds=1000.0)


def test_age_is_how_far_the_watermark_is_behind() -> None:
    assert reading(995_500).age_seconds == 4.5
    assert reading(1_000_500).age_seconds == 0.0
    assert reading(None).age_seconds is None


def test_ctr_of_nothing_is_none() -> None:
    assert NamedCounts("x", Counts(0, 3)).ctr is None
    assert NamedCounts("x", Counts(4, 1)).ctr == 0.25


@pytest.mark.parametrize(
    ("bounds", "size", "starts"),
    [
        ((600, 900, None), 300, [600]),
        ((600, 901, None), 60, [600, 660, 720, 780, 840, 900]),
        ((660, 780, None), 60, [660, 720]),
        ((659, 661, 60), 60, [600, 660]),
        ((700, 701, 300), 300, [600]),
    ],
)
def test_a_range_is_covered_by_the_windows_that_overlap_it(
    bounds: tuple[int, int, int | None], size: int, starts: list[int]
) -> None:
    windows = windows_of(*bounds)
    assert (windows.size_seconds, list(windows.starts)) == (size, starts)


def test_bad_ranges_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="size_seconds=90: allowed are 60, 300"):
        windows_of(0, 60, 90)
    with pytest.raises(ValueError, match="to_seconds=60: must be greater than from_seconds=60"):
        windows_of(60, 60, 60)


class Commands(list[tuple[Any, ...]]):
    """Writes down what a pipeline is asked."""

    def hgetall(self, *args: Any) -> None:
        self.append(("hgetall", *args))

    def hget(self, *args: Any) -> None:
        self.append(("hget", *args))

    def hscan(self, *args: Any, **kwargs: Any) -> None:
        self.append(("hscan", *args, kwargs["match"]))


@pytest.mark.parametrize(
    ("campaign_id", "category", "command"),
    [
        (None, None, ("hgetall", "adctr:{60:120}:categories")),
        (None, "sports", ("hget", "adctr:{60:120}:categories", "sports")),
        ("shoes", "sports", ("hget", "adctr:{60:120}:cells", b"shoes\0sports")),
        ("sh*[o]?\\", None, ("hscan", "adctr:{60:120}:cells", b"sh\\*\\[o\\]\\?\\\\\0*")),
    ],
)
def test_counts_are_asked_for_by_the_cheapest_command(
    campaign_id: str | None, category: str | None, command: tuple[Any, ...]
) -> None:
    asked = Commands()
    ask_counts(asked, 60, 120, campaign_id, category)
    assert asked == [command]


def test_replies_of_every_kind_become_counts_without_canaries() -> None:
    replies = [
        None,
        b"12 3",
        {b"sports": b"12 3", b"fashion": b"1 1", b"_canary": b"60 0"},
        [0, {b"shoes\0sports": b"12 3", b"shoes\0fashion": b"1 0"}],
        {b"_canary": b"60 0"},
    ]
    assert sums_of(replies) == [Counts(0, 0), Counts(12, 3), Counts(13, 4), Counts(13, 3), Counts(0, 0)]
    assert sums_of([]) == []


def test_windows_are_summed_per_category_and_per_campaign() -> None:
    categories = [{b"sports": b"2 1", b"_canary": b"9 0"}, {b"sports": b"3 0", b"fashion": b"1 0"}]
    assert per_category(categories) == {"sports": Counts(5, 1), "fashion": Counts(1, 0)}
    cells = [{b"shoes\0sports": b"2 1", b"shoes\0fashion": b"1 0", b"_canary-0\0_canary": b"9 0"}]
    assert per_campaign(cells, None) == {"shoes": Counts(3, 1)}
    assert per_campaign(cells, "sports") == {"shoes": Counts(2, 1)}
