"""Which cells are watched where looking at all of them would keep the stores from their work.

A poll of a hundred thousand cells takes a second of processor time here and as much of the stores'; with it latencies
would be those of the watching.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from loadgen.ledger import Ledger

Cell = tuple[str, str]
"""(campaign_id, category)"""

MOST_CELLS = 200


def sample(cells: Sequence[Cell], most: int = MOST_CELLS) -> tuple[Cell, ...] | None:
    """Half of them the first ones, which in a load are the largest, half evenly from the others; None: not too many."""
    if len(cells) <= most:
        return None
    first = most // 2
    others = np.linspace(first, len(cells) - 1, most - first).astype(int).tolist()
    return (*cells[:first], *(cells[index] for index in others))


def in_sample(ledger: Ledger, cells: Sequence[Cell] | None) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Of each event whether its cell is watched."""
    if cells is None:
        return np.ones(len(ledger.campaign), dtype=np.bool_)
    watched, header = set(cells), ledger.header
    names = zip(header.campaigns, (header.categories[each] for each in header.campaign_category), strict=True)
    chosen = np.array([cell in watched for cell in names], dtype=np.bool_)
    found: np.ndarray[tuple[int], np.dtype[np.bool_]] = chosen[ledger.campaign]
    return found
