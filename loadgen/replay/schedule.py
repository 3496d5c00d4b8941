"""When the rows of a log are sent, and with which times. Pure: the log's times in, times out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from loadgen.errors import LoadRefused

MILLISECOND_NS = 1_000_000


def parse_speed(text: str) -> Fraction | None:
    """``1x``, ``10x``, ``0.5x``; None for ``max``. Raises LoadRefused."""
    if text == "max":
        return None
    found = re.fullmatch(r"(\d{1,6}(?:\.\d{1,3})?)x", text, re.ASCII)
    if found is None or Fraction(found[1]) == 0:
        raise LoadRefused(f"--speed {text}: must be a number and x, for example 1x or 10x, or max")
    return Fraction(found[1])


@dataclass
class LogSchedule:
    """Send times of rows that come in the order of the file: the first at ``start_ns``, the gaps divided by the speed.

    A row that is older than one before it is sent right behind it: nothing is ever sent earlier than the row above.
    """

    start_ns: int
    speed: Fraction
    first_ms: int | None = None
    latest_ns: int = 0

    def intended_ns(self, time_ms: int) -> int:
        """Of the next row, by its time in the log."""
        if self.first_ms is None:
            self.first_ms, self.latest_ns = time_ms, self.start_ns
        gap_ns = int((time_ms - self.first_ms) * MILLISECOND_NS / self.speed)
        self.latest_ns = max(self.latest_ns, self.start_ns + gap_ns)
        return self.latest_ns


@dataclass
class RecordTimes:
    """Keeps the record times of a historic topic such that no window is final when one of its events comes.

    They may lie ``slack_ms`` behind the newest, and not behind ``latest_ms``, when the closing canaries are due.
    """

    slack_ms: int
    latest_ms: int
    newest_ms: int | None = None

    def reason_against(self, time_ms: int) -> str | None:
        """Why a record of this time can't be taken; else it is noted as taken."""
        if time_ms > self.latest_ms:
            return f"is younger than {self.latest_ms} ms, the end of the last full 5 minutes; replay it later"
        if self.newest_ms is not None and time_ms < self.newest_ms - self.slack_ms:
            behind = (self.newest_ms - time_ms) / 1000
            return (
                f"is {behind:g} s older than a row above it: at most {self.slack_ms / 1000:g} s; sort the log by time"
            )
        self.newest_ms = max(time_ms, self.newest_ms or time_ms)
        return None
