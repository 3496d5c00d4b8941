"""Whether the pipeline keeps up again as it did before a fault, told while it is watched."""

from __future__ import annotations

from slo.faults.recovery import ONSET_SECONDS

STEADY_SECONDS = 5.0
WATCHED_SECONDS = ONSET_SECONDS + 12.0
"""After the fault's end: what shows later than `ONSET_SECONDS` is not the fault's, and an event may be 5 s late."""
REDIS_BEHIND_SECONDS = 1.0
POSTGRES_BEHIND_SECONDS = 4.0
"""How much further behind than before still counts as keeping up; PostgreSQL's rows come with checkpoints."""


class Steady:
    """Takes looks at what both stores have counted, under an open-loop load of ``rate`` events per second.

    Behind is what is due and not counted. What it was before the fault holds the generator's start as well.
    """

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._before: tuple[float, float] | None = None
        self._since: float | None = None

    def look(
        self,
        at: float,
        redis: int,
        postgres: int,
        fault_ended_at: float | None,
        *,
        struck: bool,
        watched: float,
    ) -> bool:
        """Whether the load may end: the fault has been over for ``watched`` seconds, and nothing is missing since.

        ``at`` and ``fault_ended_at`` are seconds of one clock; ``struck`` says that the fault has begun.
        """
        behind = (at * self._rate - redis, at * self._rate - postgres)
        if not struck or self._before is None:
            self._before = behind
            return False
        limits = (REDIS_BEHIND_SECONDS * self._rate, POSTGRES_BEHIND_SECONDS * self._rate)
        kept_up = all(now - was <= most for now, was, most in zip(behind, self._before, limits, strict=True))
        self._since = (self._since if self._since is not None else at) if kept_up else None
        if self._since is None or fault_ended_at is None:
            return False
        return at - self._since >= STEADY_SECONDS and at - fault_ended_at >= watched
