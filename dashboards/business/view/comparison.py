"""The range against the period that it is compared with."""

from __future__ import annotations

from dataclasses import dataclass

from dashboards.business.past import FIVE_MINUTES
from dashboards.business.snapshot import Earlier, Snapshot
from dashboards.business.view.difference import Difference, of_counts, of_rates
from dashboards.business.view.formats import Formats
from dashboards.business.view.freshness import Notice, Tone
from dashboards.business.view.rate import Rate, counts_of, rate_of, total
from pipeline.contract.cache_schema import Counts
from pipeline.read_results import Source


@dataclass(frozen=True)
class Comparison:
    """Differences of the range; None where they cannot be told. ``impressions`` and ``clicks`` are relative."""

    name: str
    before: Counts
    rate_before: Rate | None
    ctr: Difference | None
    impressions: Difference | None
    clicks: Difference | None


def comparison(shown: Snapshot, earlier: Earlier, category: str | None) -> Comparison:
    """Of one category or of all. The range's counts are compared at their pace: its last window still counts."""
    now = total(counts_of(window, category) for window in shown.windows)
    before = total(counts_of(window, category) for window in earlier.windows)
    rate, rate_before = rate_of(now), rate_of(before)
    share = counted_share(shown)
    return Comparison(
        name=earlier.compare.value,
        before=before,
        rate_before=rate_before,
        ctr=of_rates(rate, rate_before) if rate and rate_before else None,
        impressions=of_counts(now.impressions, before.impressions, share),
        clicks=of_counts(now.clicks, before.clicks, share),
    )


def counted_share(shown: Snapshot) -> float:
    """How much of the range has been counted. 0 for counts of PostgreSQL, which are further than its watermark says."""
    if shown.newest_event_seconds is None or shown.source is not Source.REDIS:
        return 0.0
    first, end = _ends(shown)
    return min(1.0, max(0.0, (shown.newest_event_seconds - first) / (end - first)))


def not_comparable(
    shown: Snapshot, earlier: Earlier, category: str | None, begins_seconds: int | None, formats: Formats
) -> Notice | None:
    """Why there is no comparison. ``begins_seconds`` is the first window that is kept, None where that is not known."""
    if earlier.missing is not None:
        return Notice(
            Tone.INFO,
            "The earlier period cannot be read.",
            "The database does not answer or is far behind. The comparison comes back by itself.",
        )
    first, end = (each - earlier.offset_seconds for each in _ends(shown))
    span = f"{formats.moment(first)} to {formats.moment(end)} ({formats.zone_name})"
    if begins_seconds is not None and begins_seconds > first:
        return Notice(
            Tone.INFO,
            "Not enough history to compare.",
            f"Counting began at {formats.moment(begins_seconds)}; the {earlier.compare.value} is {span}.",
        )
    if not any(counts_of(window, category).total for window in earlier.windows):
        return Notice(Tone.INFO, "Nothing to compare with.", f"Nothing was counted from {span}.")
    return None


def _ends(shown: Snapshot) -> tuple[int, int]:
    return shown.windows[0].start_seconds, shown.windows[-1].start_seconds + FIVE_MINUTES
