"""How fresh the figures are, whether the objectives that a page can see are kept, and what needs to be said."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from dashboards.business.settings import Limits
from dashboards.business.snapshot import Snapshot, Unavailable
from dashboards.business.view.formats import Formats
from pipeline.read_results import Source


@dataclass(frozen=True)
class Check:
    """One objective, as far as this refresh tells."""

    text: str
    kept: bool


@dataclass(frozen=True)
class Freshness:
    """``newest_event_age_seconds`` is as of the refresh; None where nothing was counted yet."""

    read_at_seconds: float
    newest_event_age_seconds: float | None
    source: Source
    checks: tuple[Check, ...]

    @property
    def on_target(self) -> bool:
        """Whether every check is kept."""
        return all(check.kept for check in self.checks)


class Tone(StrEnum):
    """How loud a notice is."""

    INFO = "info"
    WARNING = "warning"


@dataclass(frozen=True)
class Notice:
    """A calm sentence or two about what is not as usual."""

    tone: Tone
    title: str
    text: str


def freshness(snapshot: Snapshot, limits: Limits, formats: Formats) -> Freshness:
    """Event age against event_to_redis (or event_to_postgres), the cache read against cache_read."""
    age = _age(snapshot)
    from_redis = snapshot.source is Source.REDIS
    limit = limits.event_age_redis_seconds if from_redis else limits.event_age_postgres_seconds
    checks = []
    if age is not None:
        text = f"newest event {formats.seconds(age)} old (limit {formats.seconds(limit)})"
        checks.append(Check(text, age <= limit))
    if from_redis:
        took, most = snapshot.read_seconds, limits.cache_read_seconds
        checks.append(Check(f"cache read in {formats.seconds(took)} (limit {formats.seconds(most)})", took < most))
    else:
        checks.append(Check("the live cache does not answer", kept=False))
    return Freshness(snapshot.read_at_seconds, age, snapshot.source, tuple(checks))


def notices(snapshot: Snapshot, limits: Limits, formats: Formats) -> list[Notice]:
    """What is not as usual about figures that are there."""
    found = []
    if snapshot.source is Source.POSTGRES:
        found.append(
            Notice(
                Tone.INFO,
                "Served from the database.",
                "The live cache does not answer, so these figures come from PostgreSQL. They are complete and may be "
                "a few seconds older than usual.",
            )
        )
    if snapshot.past_missing is not None:
        found.append(
            Notice(
                Tone.INFO,
                "The older part is not complete.",
                "The database does not answer or is far behind, and the live cache keeps no longer than the last half "
                "hour.",
            )
        )
    age = _age(snapshot)
    if age is not None and age > limits.stale_seconds and snapshot.newest_event_seconds is not None:
        found.append(
            Notice(
                Tone.WARNING,
                "The figures stand still.",
                f"Nothing was counted since {formats.time(snapshot.newest_event_seconds)} ({formats.zone_name}). "
                "What you see is right up to then; it goes on by itself when counting does.",
            )
        )
    return found


def nothing_yet(filtered: bool) -> Notice:
    """There is not one impression or click in the range."""
    if filtered:
        return Notice(
            Tone.INFO,
            "Nothing to show for these filters.",
            "No impression and no click was counted for them in this time range. Choose a longer one or take a filter "
            "away.",
        )
    return Notice(
        Tone.INFO,
        "No data yet.",
        "No impression and no click was counted in this time range. This page fills by itself as soon as one is.",
    )


def unavailable(found: Unavailable, shown: Snapshot | None, refresh_seconds: float, formats: Formats) -> Notice:
    """Neither store answers; ``shown`` is what the viewer still sees."""
    still = (
        ""
        if shown is None
        else f"You still see the figures of {formats.time(shown.read_at_seconds)} ({formats.zone_name}). "
    )
    return Notice(
        Tone.WARNING,
        "No new figures at the moment.",
        f"Neither the live cache nor the database answered at {formats.time(found.tried_at_seconds)}. {still}"
        f"This page tries again every {formats.seconds(refresh_seconds)}; there is nothing you need to do.",
    )


def page_failed(refresh_seconds: float) -> Notice:
    """An error of the page itself; the log has it."""
    return Notice(
        Tone.WARNING,
        "The figures cannot be drawn at the moment.",
        f"The dashboard tries again every {refresh_seconds:g} s. Its log has the reason.",
    )


def _age(snapshot: Snapshot) -> float | None:
    newest = snapshot.newest_event_seconds
    return None if newest is None else max(0.0, snapshot.read_at_seconds - newest)
