"""From a ledger to the events whose latency is wanted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from loadgen.ledger import Ledger
from slo.latency.matching import Expected, Longs
from slo.latency.sample import Cell, in_sample
from slo.latency.sightings import CellNumbers

_NS_PER_SECOND = 1_000_000_000


def expected_events(
    ledger: Ledger, size_seconds: int, numbers: CellNumbers, cells: Sequence[Cell] | None = None
) -> Expected:
    """The acknowledged events that must be counted, each with the cell of its window of ``size_seconds``.

    With ``cells`` those of them alone.
    """
    chosen = np.flatnonzero(ledger.acked & ledger.countable & in_sample(ledger, cells))
    campaigns = len(ledger.header.campaigns)
    window = ledger.event_time_ms[chosen] // (size_seconds * 1000)
    pairs, of_pair = np.unique(window * campaigns + ledger.campaign[chosen], return_inverse=True)
    numbered: Longs = np.fromiter(
        (_number(ledger, int(pair) // campaigns * size_seconds, int(pair) % campaigns, numbers) for pair in pairs),
        dtype=np.int64,
        count=len(pairs),
    )
    return Expected(
        numbered[of_pair], ledger.intended_ns[chosen] / _NS_PER_SECOND, ledger.sent_ns[chosen] / _NS_PER_SECOND
    )


def _number(ledger: Ledger, window_start: int, campaign: int, numbers: CellNumbers) -> int:
    header = ledger.header
    category = header.categories[header.campaign_category[campaign]]
    return numbers.number((window_start, header.campaigns[campaign], category))
