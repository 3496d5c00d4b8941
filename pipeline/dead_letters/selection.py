"""Which letters somebody is interested in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pipeline.dead_letters.letter import Letter
from pipeline.dead_letters.view import View


@dataclass(frozen=True)
class LetterSelection:
    """Conditions that must all hold; None holds for every letter. Times are record times, ``to`` exclusive."""

    reason: str | None = None
    partition: int | None = None
    from_ms: int | None = None
    to_ms: int | None = None
    campaign_id: str | None = None

    def takes(self, letter: Letter, view: Callable[[], View]) -> bool:
        """Whether a letter is meant. The value is decoded only if a condition asks for it."""
        return (
            (self.reason is None or self.reason.casefold() in letter.reason.casefold())
            and (self.partition is None or self.partition == letter.partition)
            and (self.from_ms is None or letter.record_time_ms >= self.from_ms)
            and (self.to_ms is None or letter.record_time_ms < self.to_ms)
            and (self.campaign_id is None or view().fields.get("campaign_id") == self.campaign_id)
        )
