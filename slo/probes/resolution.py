"""How exact a latency is that was measured by looking again and again."""

from __future__ import annotations

from collections import deque

import numpy as np

MOST_KEPT = 100_000
"""The newest; as many as canaries give in seven hours."""


class Resolution:
    """Collects by how much each latency may be too high: what it is about happened after the look before."""

    def __init__(self) -> None:
        self._errors: deque[float] = deque(maxlen=MOST_KEPT)

    def add(self, value: float, seen_at: float, looked_before_at: float) -> None:
        """One latency of ``value`` seconds, seen at a look (unix seconds), and when the look before that was."""
        self._errors.append(max(0.0, min(value, seen_at - looked_before_at)))

    def p99_seconds(self) -> float | None:
        """99 % of the (newest) errors are at most so large; None where there was no latency."""
        errors = np.array(self._errors, dtype=np.float64)
        return float(np.quantile(errors, 0.99, method="higher")) if len(errors) else None
