"""Who takes part: campaigns of very different sizes, their categories and ads, and the users.

Everything follows from a seed. Names are the same in every run (``cmp-0001`` is always the largest campaign),
so that runs can be compared; the seed decides categories, ads and the stream of events.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.contract.partitioner import partition_of

CATEGORY_CTR = {
    "automotive": 0.010,
    "electronics": 0.018,
    "fashion": 0.024,
    "finance": 0.006,
    "food": 0.030,
    "games": 0.045,
    "sports": 0.021,
    "travel": 0.014,
}
"""Clicks per impression that each category tends to."""
PLACEMENTS = ("feed", "search", "sidebar", "video")
DEVICES = ("desktop", "mobile", "tablet")
MAX_ADS_PER_CAMPAIGN = 10
DEFAULT_SEED = 1
"""Of every load that is told none."""
USERS = 100_000


@dataclass(frozen=True)
class Population:
    """Names and weights as parallel arrays; an ad's index is ``first_ad[campaign] + number within the campaign``."""

    campaigns: tuple[str, ...]
    categories: tuple[str, ...]
    campaign_category: npt.NDArray[np.uint32]
    cumulative_share: npt.NDArray[np.float64]
    """Of each campaign and those before it, in all impressions; ends with 1."""
    campaign_ctr: npt.NDArray[np.float64]
    ads: tuple[str, ...]
    first_ad: npt.NDArray[np.int64]
    ad_count: npt.NDArray[np.int64]
    users: int = USERS

    def partitions(self, count: int) -> npt.NDArray[np.int32]:
        """The partition of each campaign's events on a topic with ``count`` partitions."""
        return np.array([partition_of(name.encode(), count) for name in self.campaigns], np.int32)


def make_population(
    seed: int,
    campaigns: int,
    zipf_exponent: float,
    hot_share: float | None = None,
    ads_per_campaign: int | None = None,
) -> Population:
    """``campaigns`` campaigns whose sizes fall like rank^-exponent (0: all alike).

    ``hot_share`` of everything goes to the first one, if given; ``ads_per_campaign`` None: drawn for each.
    """
    rng = np.random.default_rng([seed, 1])
    digits = max(4, len(str(campaigns)))
    names = tuple(f"cmp-{number:0{digits}d}" for number in range(1, campaigns + 1))
    categories = tuple(CATEGORY_CTR)
    # Dealt like cards, so that each category has campaigns even when there are few.
    category = rng.permutation(np.arange(campaigns) % len(categories)).astype(np.uint32)
    weights = np.arange(1, campaigns + 1, dtype=np.float64) ** -zipf_exponent
    if hot_share is not None and campaigns > 1:
        weights[0] = weights[1:].sum() * hot_share / (1 - hot_share)
    share = np.cumsum(weights) / weights.sum()
    share[-1] = 1.0
    ad_count = rng.integers(1, MAX_ADS_PER_CAMPAIGN + 1, campaigns)
    if ads_per_campaign is not None:
        ad_count[:] = ads_per_campaign
    ads = tuple(
        f"ad-{name[4:]}-{number:02d}" for name, count in zip(names, ad_count, strict=True) for number in range(count)
    )
    return Population(
        campaigns=names,
        categories=categories,
        campaign_category=category,
        cumulative_share=share,
        campaign_ctr=np.array([CATEGORY_CTR[categories[index]] for index in category]),
        ads=ads,
        first_ad=np.cumsum(ad_count) - ad_count,
        ad_count=ad_count,
    )
