"""Whether the jobs keep up, told from the trend of their lag: a backlog that grows steadily needs no longer look.

Theodolite judges by the same slope (Henning and Hasselbring 2022, section 4.3).
"""

from __future__ import annotations

import numpy as np

from slo.recording import Floats, Series

LEAST_SECONDS = 25.0
"""Five checkpoints: offsets are committed with them, so lag is a sawtooth, a part of which looks like a trend."""
_LEAST_LOOKS = 4
LEAST_SHARE_OF_RATE = 0.05
"""Growth above this share of the rate is a backlog, not noise: within an hour it would be three minutes of events."""


def lag_slope(series: Series, began: float) -> float | None:
    """Records per second by which the job that is further behind falls back, from ``began`` (unix seconds) on.

    Least squares. None where the samples span less than ``LEAST_SECONDS``.
    """
    found = _fit(series, began)
    return None if found is None else found[0]


def certain_lag_slope(series: Series, began: float) -> float | None:
    """The same less two of its standard errors: of the few teeth of the saw seen so far one may be cut off."""
    found = _fit(series, began)
    return None if found is None else found[0] - 2 * found[1]


def _fit(series: Series, began: float) -> tuple[float, float] | None:
    """The slope and its standard error."""
    chosen = series.since(began)
    seen = ~np.isnan(chosen.values)
    times, values = _worst_of_each_look(chosen.times[seen], chosen.values[seen])
    if len(times) < _LEAST_LOOKS or times[-1] - times[0] < LEAST_SECONDS:
        return None
    (slope, _), covariance = np.polyfit(times - times[0], values, 1, cov=True)
    return float(slope), float(np.sqrt(covariance[0, 0]))


def falls_behind(slope: float | None, rate: float) -> bool:
    """Whether lag that grows by ``slope`` records per second under ``rate`` events per second has no end."""
    return slope is not None and slope > LEAST_SHARE_OF_RATE * rate


def _worst_of_each_look(times: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Both jobs are looked at together, at one time."""
    looks, of_look = np.unique(times, return_inverse=True)
    worst = np.zeros(len(looks))
    np.maximum.at(worst, of_look, values)
    return looks, worst
