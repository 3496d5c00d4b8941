"""Of too many cells a sample is watched, and only the events of the sample are expected."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from loadgen.ledger import EVENT, LedgerHeader, LedgerWriter, read_ledger
from slo.latency.expected import expected_events
from slo.latency.sample import sample
from slo.latency.sightings import CellNumbers

START_MS = 1_700_000_040_000
CELLS = [(f"c{number:02d}", "food" if number % 2 else "news") for number in range(100)]


def test_few_cells_are_all_watched() -> None:
    assert sample(CELLS, most=100) is None


def test_a_sample_has_the_first_cells_and_reaches_to_the_last() -> None:
    chosen = sample(CELLS, most=10)
    assert chosen is not None
    assert chosen[:5] == tuple(CELLS[:5])
    assert chosen[-1] == CELLS[-1]
    assert len(set(chosen)) == 10
    assert set(chosen) <= set(CELLS)


def test_only_the_events_of_watched_cells_are_expected(tmp_path: Path) -> None:
    """One event for each campaign; its category belongs to the cell."""
    names, categories = [name for name, _ in CELLS], ["news", "food"]
    header = LedgerHeader(
        "ab12", 1, "steady", 500.0, START_MS * 10**6, "ad-events", 600, names, [n % 2 for n in range(100)], categories
    )
    writer = LedgerWriter(tmp_path / "run.ledger", header)
    rows = np.zeros(100, EVENT)
    rows["seq"] = rows["campaign"] = np.arange(100)
    rows["event_time_ms"] = START_MS
    rows["intended_ns"] = START_MS * 10**6 + np.arange(100)
    writer.events(rows)
    writer.answers(range(100), [0] * 100, range(100))
    writer.close(100)
    ledger, numbers = read_ledger(tmp_path / "run.ledger"), CellNumbers()
    watched = [CELLS[7], CELLS[50], ("c08", "food")]
    assert len(expected_events(ledger, 60, numbers, watched).cell) == 2
    assert set(numbers.numbers) == {(START_MS // 1000, *CELLS[7]), (START_MS // 1000, *CELLS[50])}
    assert len(expected_events(ledger, 60, numbers).cell) == 100
