"""Campaigns: stable names, very different sizes, one category each."""

from __future__ import annotations

import numpy as np

from loadgen.population import CATEGORY_CTR, make_population


def test_names_do_not_depend_on_the_seed() -> None:
    """Runs with different seeds can be compared campaign by campaign."""
    first, second = make_population(1, 3, 1.0), make_population(2, 3, 1.0)
    assert first.campaigns == second.campaigns == ("cmp-0001", "cmp-0002", "cmp-0003")


def test_the_same_seed_gives_the_same_population() -> None:
    """Categories and ads included."""
    first, second = make_population(7, 50, 1.0), make_population(7, 50, 1.0)
    assert first.campaign_category.tolist() == second.campaign_category.tolist()
    assert first.ads == second.ads


def test_sizes_fall_like_zipf() -> None:
    """Shares of 1, 1/2 and 1/4 with exponent 1 and four campaigns: 12/25, 6/25, 4/25, 3/25."""
    share = np.diff(make_population(1, 4, 1.0).cumulative_share, prepend=0.0)
    assert np.allclose(share, [12 / 25, 6 / 25, 4 / 25, 3 / 25])


def test_every_category_has_campaigns() -> None:
    """Even when there are only as many campaigns as categories."""
    population = make_population(3, len(CATEGORY_CTR), 1.0)
    assert sorted(population.campaign_category.tolist()) == list(range(len(CATEGORY_CTR)))


def test_ads_are_found_by_campaign() -> None:
    """``first_ad`` + number is an ad of that campaign."""
    population = make_population(1, 20, 1.0)
    for index, name in enumerate(population.campaigns):
        first, count = int(population.first_ad[index]), int(population.ad_count[index])
        assert population.ads[first : first + count] == tuple(f"ad-{name[4:]}-{n:02d}" for n in range(count))


def test_a_hundred_thousand_campaigns_have_names_of_one_length() -> None:
    """Six digits then, so that sorting by name is sorting by size."""
    population = make_population(1, 100_000, 1.0)
    assert (population.campaigns[0], population.campaigns[-1]) == ("cmp-000001", "cmp-100000")
