"""How fast an error budget is spent, and when somebody must know. Pure: numbers in, numbers out.

The windows are those of the SRE workbook, chapter 5, "Multiwindow, Multi-Burn-Rate Alerts" (table 5-8): an alert needs
a high error ratio over a long window, so that it is worth waking up for, and over a short one of 1/12, so that it ends
soon after the trouble does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0

_LOWEST_BURN_RATE = 0.9
"""Below about 1 the budget lasts as long as it should: nobody need act."""


class Severity(StrEnum):
    """How an alert reaches the on-call."""

    PAGE = "page"
    """Somebody now, at night too."""
    TICKET = "ticket"
    """Somebody on the next working day."""


@dataclass(frozen=True)
class BudgetSpent:
    """A row of the workbook's table: so much of the budget spent within the long window is worth an alert."""

    severity: Severity
    budget_share: float
    long_seconds: float
    short_seconds: float

    def burn_rate(self, time_window_seconds: float) -> float:
        """How many times as fast as the budget allows: 1.0 spends exactly all of it in the time window."""
        return self.budget_share * time_window_seconds / self.long_seconds


WORKBOOK: Sequence[BudgetSpent] = (
    BudgetSpent(Severity.PAGE, 0.02, _HOUR, 5 * _MINUTE),
    BudgetSpent(Severity.PAGE, 0.05, 6 * _HOUR, 30 * _MINUTE),
    BudgetSpent(Severity.TICKET, 0.10, 3 * _DAY, 6 * _HOUR),
)


@dataclass(frozen=True)
class BurnRateAlert:
    """Alert where the error ratio is above the threshold over both windows."""

    severity: Severity
    burn_rate: float
    long_seconds: float
    short_seconds: float
    threshold: float


def alerts(target: float, time_window_seconds: float) -> tuple[BurnRateAlert, ...]:
    """The alerts of an objective whose budget is 1 − ``target`` over a rolling time window.

    Rows that can't be are left out: those whose rate even an outage can't reach (a large budget), and those whose rate
    would leave some of the budget (a short time window).
    """
    budget = 1 - target
    found = []
    for row in WORKBOOK:
        rate = row.burn_rate(time_window_seconds)
        threshold = round(rate * budget, 12)
        if rate >= _LOWEST_BURN_RATE and threshold < 1:
            found.append(BurnRateAlert(row.severity, rate, row.long_seconds, row.short_seconds, threshold))
    return tuple(found)


def window_name(seconds: float) -> str:
    """As PromQL writes it: ``5m``, ``6h``, ``3d``."""
    for size, unit in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "m")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds:.0f}s"
