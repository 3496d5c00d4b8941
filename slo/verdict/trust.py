"""Whether samples may be believed: what makes them void, and what takes the force from a pass."""

from __future__ import annotations

import numpy as np

from pipeline.settings import WINDOW_SIZES_SECONDS
from slo.recording import Floats, Recording, Series
from slo.spec.model import Indicator, Objective

COUNTED = frozenset({Indicator.EVENT_TO_REDIS, Indicator.EVENT_TO_POSTGRES, Indicator.WINDOW_CLOSE})
"""Found by matching counts: void where counts are wrong. Their samples are events and windows, not looks."""

_EVENTS = frozenset({Indicator.EVENT_TO_REDIS, Indicator.EVENT_TO_POSTGRES})

MOST_FAILED_LOOKS = 0.1
LONGEST_SILENCE_SECONDS = 10.0
SILENCE_FACTOR = 3.0
_USUAL_PAUSE_SECONDS = {Indicator.WINDOW_CLOSE: float(min(WINDOW_SIZES_SECONDS))}


def why_void(indicator: Indicator, recording: Recording) -> str:
    """Why there is nothing to judge, or an empty string."""
    series = recording.series.get(indicator)
    if series is not None and series.void:
        return f"void: {series.void}"
    if series is None or not len(series.values):
        return "no samples: did the probe run?"
    exactness = recording.exactness
    if indicator in COUNTED and exactness is not None and exactness.differences:
        return "void: the counts are not exact"
    return ""


def doubts(objective: Objective, recording: Recording) -> str:
    """Why good samples may not be the whole truth, or an empty string.

    The probe failed too often or fell silent, or nobody knows whether the counts behind the samples are right.
    """
    series = recording.series[objective.indicator]
    return (
        unverified(objective.indicator, recording)
        or failed_looks(objective.indicator, series)
        or silence(objective.indicator, series, recording)
    )


def unverified(indicator: Indicator, recording: Recording) -> str:
    """Says so if counts were to be compared and could not be. Late events stay late."""
    exactness = recording.exactness
    if indicator not in COUNTED or exactness is None or (exactness.records and not exactness.unverifiable):
        return ""
    return f"nobody knows whether the counts are exact ({exactness.unverifiable or 'no records'})"


def failed_looks(indicator: Indicator, series: Series) -> str:
    """Says so if too many polls got no answer.

    One failed poll between two answered ones hides no more than the pause between them did; `silence` finds many in a
    row. More than a tenth of all is a probe that does not work. Where samples are events matched by their counts, a
    failed poll only makes them look later, so that there only a probe that mostly failed is doubted.
    """
    answered = int(np.count_nonzero(~np.isnan(series.values)))
    looks = answered + series.failed_looks
    most = 0.5 if indicator in COUNTED else MOST_FAILED_LOOKS
    return f"{series.failed_looks:,} of {looks:,} polls failed" if series.failed_looks > most * looks else ""


def silence(indicator: Indicator, series: Series, recording: Recording) -> str:
    """Says so if there are no samples for longer than 10 s and three times the pause that nine of ten do not exceed.

    The pauses before the first and after the last sample count too, so a probe that died does not pass. Samples in one
    second are one poll: windows close by the hundred, once a minute.
    """
    seconds = _seconds_with_samples(series)
    pauses = np.diff(seconds)
    usual = float(np.quantile(pauses, 0.9, method="lower")) if len(pauses) else 0.0
    usual = max(usual, _USUAL_PAUSE_SECONDS.get(indicator, 0.0))
    allowed = max(LONGEST_SILENCE_SECONDS, SILENCE_FACTOR * usual)
    marks = np.concatenate(([recording.began], seconds, [] if _has_all(indicator, recording) else [recording.ended]))
    longest = int(np.argmax(np.diff(marks)))
    pause = float(marks[longest + 1] - marks[longest])
    # Seconds were rounded down, so a pause may read up to one second longer than it was.
    if pause <= allowed + 1.0:
        return ""
    return f"the probe was silent for {pause:.0f} s, {max(marks[longest] - recording.began, 0):.0f} s into the check"


def _seconds_with_samples(series: Series) -> Floats:
    seconds = np.floor(series.times)
    # Nearly in order already: what repeats goes first, sorting the rest is quick.
    distinct: Floats = np.unique(seconds[np.flatnonzero(np.diff(seconds, prepend=np.nan))])
    return distinct


def _has_all(indicator: Indicator, recording: Recording) -> bool:
    """Whether the samples are the ledger's, which were verified: none is missing, the end was only waited for."""
    return indicator in _EVENTS and recording.exactness is not None
