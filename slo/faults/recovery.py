"""How long the pipeline took to recover: a function of when each event was due and when it became visible."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from slo.recording import Floats, Series

ONSET_SECONDS = 10.0
"""How long a fault that is over may take to show: Flink gives a process that does not answer 6 s. Later trouble has
another cause."""


@dataclass(frozen=True)
class Recovery:
    """Seconds from a fault's end; None for what did not come while the pipeline was watched."""

    redis_fresh_seconds: float | None
    redis_caught_up_seconds: float | None
    postgres_caught_up_seconds: float | None


NEVER = Recovery(None, None, None)


def recovery(
    redis: Series,
    postgres: Series,
    ended: float,
    late_seconds: tuple[float, float],
    onset_seconds: float = ONSET_SECONDS,
) -> Recovery:
    """Both stores' recovery from a fault that ended then (unix seconds); ``late_seconds``: how late is late in each."""
    redis_late, postgres_late = late_seconds
    return Recovery(
        fresh_seconds(redis, ended, redis_late, onset_seconds),
        caught_up_seconds(redis, ended, redis_late, onset_seconds),
        caught_up_seconds(postgres, ended, postgres_late, onset_seconds),
    )


def fresh_seconds(
    series: Series, ended: float, stale_seconds: float, onset_seconds: float = ONSET_SECONDS
) -> float | None:
    """From ``ended`` (unix seconds) until the newest of what is visible was fresh: due no longer ago than that.

    Where it never was stale, until the first event that was due since then was visible. Counts are matched by rank, so
    a value that shows an event holds all events of its cell before it. None if it never came.
    """
    seen = _seen_at(series)
    order = np.argsort(seen, kind="stable")[: int(np.isfinite(seen).sum())]
    newest = np.maximum.accumulate(series.times[order])
    fresh = np.flatnonzero(seen[order] - newest <= stale_seconds)
    if not len(fresh):
        return None
    # From the last fresh look to the next one; the last spell has no end where events were still due.
    begins = newest[fresh] + stale_seconds
    until = np.append(seen[order][fresh][1:], np.inf if series.times[-1] > newest[fresh[-1]] else begins[-1])
    stale = np.flatnonzero((until > begins) & (until > ended) & (begins <= ended + stale_seconds + onset_seconds))
    if len(stale):  # the last of them: what was stale before the fault may be over before the fault shows
        end = float(until[stale[-1]])
        return end - ended if np.isfinite(end) else None
    first = seen[series.times >= ended].min(initial=np.inf)
    return float(first) - ended if np.isfinite(first) else None


def caught_up_seconds(
    series: Series, ended: float, late_seconds: float, onset_seconds: float = ONSET_SECONDS
) -> float | None:
    """From ``ended`` (unix seconds) until nothing was late any more: due for longer than that and not visible.

    0 if nothing was; None if something stayed so. The series' times rise.
    """
    late = ~(series.values <= late_seconds)
    if not late.any():
        return 0.0
    begins, until = series.times[late] + late_seconds, np.maximum.accumulate(_seen_at(series)[late])
    last_of_spell = np.flatnonzero(np.append(begins[1:] > until[:-1], True))
    first_of_spell = np.append(0, last_of_spell[:-1] + 1)
    begin, end = begins[first_of_spell], until[last_of_spell]
    ours = np.flatnonzero((end > ended) & (begin <= ended + late_seconds + onset_seconds))
    if not len(ours):
        return 0.0
    last = float(end[ours[-1]])  # as above
    return last - ended if np.isfinite(last) else None


def later_trouble_seconds(
    series: Series, ended: float, late_seconds: float, onset_seconds: float = ONSET_SECONDS
) -> float | None:
    """When, counted from ``ended``, the first event began to be late that no recovery counts; None if none was.

    It began so long after the fault that it may have another cause. It is no recovery, and no silence either.
    """
    late = ~(series.values <= late_seconds)
    begins = series.times[late] + late_seconds
    until = np.maximum.accumulate(_seen_at(series)[late])
    if not len(begins):
        return None
    first_of_spell = np.flatnonzero(np.append(True, begins[1:] > until[:-1]))
    later = begins[first_of_spell][begins[first_of_spell] > ended + late_seconds + onset_seconds]
    return float(later[0]) - ended if len(later) else None


def _seen_at(series: Series) -> Floats:
    """Unix seconds; infinite for what was never seen."""
    seen: Floats = np.where(np.isnan(series.values), np.inf, series.times + series.values)
    return seen
