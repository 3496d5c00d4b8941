"""How far the generator is behind its own schedule: actual minus intended send time.

A run whose generator was late says little about the system under test, so this is a histogram of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from hdrh.histogram import HdrHistogram

_MAX_MICROSECONDS = 3_600_000_000
_SIGNIFICANT_DIGITS = 3
_CLASS_BITS = 11
"""As HdrHistogram does it for three digits: 2,048 classes of one unit, then 1,024 of two, and so on."""
_CLASS_MASK = (1 << _CLASS_BITS) - 1


@dataclass(frozen=True)
class SendDelay:
    """Percentiles in seconds, to three significant digits, and the histogram behind them: events per microseconds."""

    p50: float
    p99: float
    max: float
    histogram: Mapping[int, int] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, histogram: Mapping[int, int]) -> SendDelay | None:
        """None for an empty one."""
        if not histogram:
            return None
        counted = HdrHistogram(1, _MAX_MICROSECONDS, _SIGNIFICANT_DIGITS)
        for microseconds, count in histogram.items():
            counted.record_value(microseconds, count)
        p50, p99 = (counted.get_value_at_percentile(percent) / 1e6 for percent in (50, 99))
        return cls(p50, p99, counted.get_max_value() / 1e6, dict(histogram))


def together(delays: Iterable[SendDelay | None]) -> SendDelay | None:
    """The delays of several senders: their histograms added, as percentiles can't be averaged."""
    histogram: Counter[int] = Counter()
    for delay in delays:
        if delay is not None:
            histogram.update(delay.histogram)
    return SendDelay.of(histogram)


class SendDelayRecorder:
    """Collects delays and turns them into an HdrHistogram when asked to.

    Recording one by one takes a microsecond each, in the very loop whose lateness is measured. So whole arrays
    are counted by HdrHistogram's own classes of equal values (1,024 to each power of two), and only the
    classes are recorded.
    """

    def __init__(self) -> None:
        self._counts = np.zeros((_MAX_MICROSECONDS.bit_length() + 1) << _CLASS_BITS, np.int64)
        self._fresh: list[npt.NDArray[np.int64]] = []

    def add(self, intended_ns: npt.NDArray[np.int64], sent_ns: int) -> None:
        """Events that were handed over at one time; both times have one origin."""
        self._fresh.append(sent_ns - intended_ns)

    def settle(self) -> None:
        """Counts what was added."""
        if not self._fresh:
            return
        microseconds = np.clip(np.concatenate(self._fresh) // 1000, 0, _MAX_MICROSECONDS)
        self._fresh.clear()
        shift = _shift(microseconds)
        self._counts += np.bincount((shift << _CLASS_BITS) + (microseconds >> shift), minlength=len(self._counts))

    def summary(self) -> SendDelay | None:
        """None when nothing was sent."""
        self.settle()
        classes = np.flatnonzero(self._counts)
        values = (classes & _CLASS_MASK) << (classes >> _CLASS_BITS)
        return SendDelay.of(dict(zip(values.tolist(), self._counts[classes].tolist(), strict=True)))


def _shift(values: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """By how many bits each value is longer than a class number may be."""
    bits = np.frexp(values.astype(np.float64))[1].astype(np.int64)
    return np.maximum(bits - _CLASS_BITS, 0)
