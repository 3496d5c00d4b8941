"""The interval of a share of good samples, when neighbouring samples are good or bad together.

Evidence is time, not events: a stall of a second makes thousands of neighbouring events slow and is one piece of
evidence. So the share gets Wilson's interval, not at the number of samples but at the *effective* number: how many
independent samples would leave the share as uncertain as it is. That number is the smallest of

- the cells of ``independent_seconds`` that have samples, weighted by how many each has (L. Kish, "Survey Sampling",
  1965): samples closer together than the declared time are never more than one piece of evidence;
- share x (1 - share) / variance, with the variance from blocks of 1, 2, 5, 10, … cells (batch means of a ratio
  estimator; C. Alexopoulos and A. F. Seila, "Output Data Analysis", Handbook of Simulation, 1998, chapter 7). Bursts
  longer than declared make long blocks differ more, which widens the interval.

As few blocks leave the variance itself uncertain, it is multiplied by the square of Student's t over the normal
quantile (E. L. Korn and B. I. Graubard, Survey Methodology 24, 1998). That Wilson's interval at the effective number is
the one to take: C. Franco, R. J. A. Little, T. A. Louis and E. V. Slud, Journal of Survey Statistics and Methodology 7,
2019. docs/statistics.md has the simulation of exactly this code.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from pipeline.shared.wilson import wilson
from slo.statistics.blocks import CONFIDENCE, Floats, student_t

BLOCK_CELLS = (1, 2, 5, 10, 20, 50, 100)
"""Lengths of the blocks, in cells."""
FEWEST_BLOCKS = 12
"""Fewer blocks of one length leave its variance to chance."""
MOST_CELLS = 200_000
"""Longer runs get longer cells, which only makes the interval wider."""
_Z = NormalDist().inv_cdf((1.0 + CONFIDENCE) / 2.0)


@dataclass(frozen=True)
class Share:
    """The share that is good, and its confidence interval: all but ``bad`` of the ``whole``, samples or seconds.

    ``effective`` is how many independent samples the samples are worth, ``seconds`` the time that they came from.
    """

    bad: float
    whole: float
    samples: int
    value: float
    low: float
    high: float
    effective: float
    seconds: float


def share_of_good(times: Floats, good: npt.NDArray[np.bool_], independent_seconds: float) -> Share:
    """The share of good samples with its 95 % interval.

    ``times`` are seconds, one per sample; samples further apart than ``independent_seconds`` are declared independent.
    Raises ValueError where there are no samples.
    """
    if not len(good):
        raise ValueError("no samples: a share of nothing has no interval")
    if np.any(times[1:] < times[:-1]):
        order = np.argsort(times, kind="stable")
        times, good = times[order], good[order]
    cell_seconds = _cell_seconds(times, independent_seconds)
    ends = _ends_of_cells(times, cell_seconds)
    bad = np.flatnonzero(~good)
    bads, totals = _between(np.searchsorted(bad, ends), len(bad)), _between(ends, len(times))
    return _share(bads, totals, len(good), cell_seconds)


def share_of_time(times: Floats, spans: Floats, bad: Floats, independent_seconds: float) -> Share:
    """The same of time: from each of ``times`` (seconds, rising) on for a span, of which a part was bad.

    Raises ValueError where all spans together are no time.
    """
    if not spans.sum() > 0.0:
        raise ValueError("no time: a share of nothing has no interval")
    cell_seconds = _cell_seconds(times, independent_seconds)
    ends = _ends_of_cells(times, cell_seconds)
    bads_below, below = np.append(0.0, np.cumsum(bad)), np.append(0.0, np.cumsum(spans))
    bads, totals = _between(bads_below[ends], bads_below[-1]), _between(below[ends], below[-1])
    return _share(bads, totals, len(times), cell_seconds)


def _share(bads: Floats, totals: Floats, samples: int, cell_seconds: float) -> Share:
    bad, whole = float(bads.sum()), float(totals.sum())
    value = (whole - bad) / whole
    effective = _effective(bads, totals)
    low, high = wilson(effective * value, effective)
    return Share(
        bad=bad,
        whole=whole,
        samples=samples,
        value=value,
        low=low if bad < whole else 0.0,
        high=high if bad else 1.0,
        effective=effective,
        seconds=cell_seconds * len(totals),
    )


def seconds_needed(found: Share, target: float) -> float | None:
    """How long a run like this one has to be to show the target; None where its share is not above it.

    Wilson's lower end is at the target when (share - target)² = z² x target x (1 - target) / number.
    """
    if found.value <= target or target >= 1.0:
        return None
    needed = _Z**2 * target * (1.0 - target) / (found.value - target) ** 2
    return found.seconds * needed / found.effective


def fewest_samples(target: float) -> int:
    """How many independent samples, all of them good, it takes to show a target; 1 where nothing may be bad."""
    if target >= 1.0:
        return 1
    return math.ceil(_Z**2 * target / (1.0 - target))


def _cell_seconds(times: Floats, independent_seconds: float) -> float:
    return max(independent_seconds, float(times[-1] - times[0]) / MOST_CELLS)


def _ends_of_cells(times: Floats, cell_seconds: float) -> npt.NDArray[np.intp]:
    """Where each cell but the last ends, as positions in ``times``; cells without samples are among them."""
    count = int((times[-1] - times[0]) // cell_seconds) + 1
    ends: npt.NDArray[np.intp] = np.searchsorted(times, times[0] + cell_seconds * np.arange(1, count), side="left")
    return ends


def _between(ends: npt.NDArray[np.generic], last: float) -> Floats:
    return np.diff(np.concatenate(([0.0], ends.astype(np.float64), [last])))


def _effective(bads: Floats, totals: Floats) -> float:
    """How many independent samples they are worth, at least 1."""
    whole = float(totals.sum())
    share = float(bads.sum()) / whole
    effective = whole**2 / float(totals @ totals)
    residuals = bads - share * totals
    for length in BLOCK_CELLS:
        blocks = len(totals) // length
        if blocks < (2 if length == 1 else FEWEST_BLOCKS):
            break
        summed = residuals[: blocks * length].reshape(blocks, length).sum(axis=1)
        variance = float(summed @ summed) * blocks / (blocks - 1) / whole**2
        if share > 0.0 and variance > 0.0:
            student = student_t((1.0 + CONFIDENCE) / 2.0, blocks - 1) / _Z
            effective = min(effective, share * (1.0 - share) / (variance * student**2))
    return max(effective, 1.0)
