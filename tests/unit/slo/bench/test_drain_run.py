"""Waiting for the end of a drain, and what a run says of itself."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field

import psutil
import pytest

from slo.bench.drain_run import DrainFailed, DrainRun, until_counted
from slo.bench.expected_counts import ExpectedCounts


@dataclass
class Counts:
    """Stands in for `CountWatch`: one count per poll, the last one again and again."""

    counts: list[int]
    expected: ExpectedCounts = field(default_factory=lambda: ExpectedCounts(100, {}))

    def look(self) -> tuple[float, int]:
        return 1.5, self.counts.pop(0) if len(self.counts) > 1 else self.counts[0]


def test_a_drain_has_ended_with_the_last_count() -> None:
    me = psutil.Process()
    assert until_counted(Counts([0, 40, 100]), 100, "loop", [me]) == (1.5, 100)  # type: ignore[arg-type]


def test_a_contender_that_ends_before_the_topic_does_is_no_drain() -> None:
    """One that ends because it is through has counted everything by then."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    process = psutil.Process(child.pid)
    child.wait()
    assert until_counted(Counts([100]), 100, "loop", [process]) == (1.5, 100)  # type: ignore[arg-type]
    with pytest.raises(DrainFailed, match="loop ended at 40 of 100 events"):
        until_counted(Counts([40]), 100, "loop", [process])  # type: ignore[arg-type]


def test_memory_is_told_where_it_was_measured() -> None:
    assert "peak_memory_bytes" not in DrainRun("flink", 1000, 2.0, 2.0, 0).as_json()
    assert DrainRun("loop", 1000, 2.0, 2.0, 0, 4096).as_json()["peak_memory_bytes"] == 4096
