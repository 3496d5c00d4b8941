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


DEFAULT_MAX_GAP_SECONDS = 10.0
MOST_MAX_GAP_SECONDS = 86_400.0


@dataclass
class LogSchedule:
    """Send times of rows that come in the order of the file: the first at ``start_ns``, the gaps divided by the speed.

    A row that is older than one before it is sent right behind it: nothing is ever sent earlier than the row above.
    A row waits at most ``max_gap_ns`` for the row above. Such a row begins a new stretch, or its clock is wrong: if the
    next row continues where the log was before, the schedule continues there too.
    """

    start_ns: int
    speed: Fraction
    max_gap_ns: int = int(DEFAULT_MAX_GAP_SECONDS) * 1_000_000_000
    gaps_cut: int = 0
    """How many gaps were cut to ``max_gap_ns``, and by how much in all."""
    cut_ns: int = 0
    _from: tuple[int, int] | None = None
    """A time of the log in ms and when it is sent: gaps are counted from here on."""
    _newest_ms: int = 0
    _before_jump_ms: int | None = None
    _latest_ns: int = 0

    def intended_ns(self, time_ms: int) -> int:
        """Of the next row, by its time in the log."""
        if self._from is None:
            self._from, self._newest_ms, self._latest_ns = (time_ms, self.start_ns), time_ms, self.start_ns
        before = self._before_jump_ms
        if before is not None:
            self._before_jump_ms = None
            if 0 <= self._gap_ns(before, time_ms) <= self.max_gap_ns:
                self._go_on(before, time_ms)
                return self._latest_ns
        gap_ns = self._gap_ns(self._newest_ms, time_ms)
        if gap_ns > self.max_gap_ns:
            self.gaps_cut += 1
            self.cut_ns += gap_ns - self.max_gap_ns
            self._before_jump_ms = self._newest_ms
            self._latest_ns += self.max_gap_ns
            self._from, self._newest_ms = (time_ms, self._latest_ns), time_ms
            return self._latest_ns
        self._newest_ms = max(self._newest_ms, time_ms)
        from_ms, from_ns = self._from
        self._latest_ns = max(self._latest_ns, from_ns + self._gap_ns(from_ms, time_ms))
        return self._latest_ns

    def _go_on(self, before_ms: int, time_ms: int) -> None:
        """Where the log was before a row whose clock was wrong."""
        self._from, self._newest_ms = (before_ms, self._latest_ns), time_ms
        self._latest_ns += self._gap_ns(before_ms, time_ms)

    def _gap_ns(self, from_ms: int, to_ms: int) -> int:
        return int((to_ms - from_ms) * MILLISECOND_NS / self.speed)


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
