"""What `adctr verify` folds from the topic, as the figures of a page."""

from __future__ import annotations

from pipeline.contract.cache_schema import ZERO, Counts, is_canary
from pipeline.contract.codec import Decoder
from pipeline.contract.registry import RegistrySchemas
from pipeline.settings import Settings
from slo.reconciliation.fold import Fold
from slo.reconciliation.topic import Topics


def counts_per_campaign(settings: Settings) -> dict[str, Counts]:
    """Everything that was ever counted, canaries left out."""
    fetch = RegistrySchemas(settings.schema_registry_url).fetch
    with Topics(settings) as topics:
        ranges = topics.ranges(settings.events_topic)
        fold = Fold(ranges, Decoder(fetch), settings.allowed_lateness_seconds)
        for batch in topics.batches(settings.events_topic, ranges):
            fold.add(batch)
    sums: dict[str, Counts] = {}
    for start in fold.counted.windows(300):
        for (campaign, _), counts in fold.counted.window(300, start).items():
            if not is_canary(campaign):
                sums[campaign] = sums.get(campaign, ZERO) + counts
    return sums
