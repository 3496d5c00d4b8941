"""The generator's own lateness as a histogram."""

from __future__ import annotations

import numpy as np
import pytest

from loadgen.send_delay import SendDelay, SendDelayRecorder, together

MILLISECOND_NS = 1_000_000


def test_percentiles_of_a_known_distribution() -> None:
    """1,000 events intended 1 to 1,000 ms before they are sent: p50 is 500 ms, p99 990 ms, max 1 s."""
    recorder = SendDelayRecorder()
    recorder.add(np.arange(0, 1_000) * MILLISECOND_NS, 1_000 * MILLISECOND_NS)
    delay = recorder.summary()
    assert delay is not None
    assert (delay.p50, delay.p99, delay.max) == pytest.approx((0.5, 0.99, 1.0), rel=0.002)


def test_settling_in_between_changes_nothing() -> None:
    """Two slices, settled apart, are one distribution."""
    recorder = SendDelayRecorder()
    recorder.add(np.zeros(99, np.int64), 2 * MILLISECOND_NS)
    recorder.settle()
    recorder.add(np.zeros(1, np.int64), 7 * MILLISECOND_NS)
    delay = recorder.summary()
    assert delay is not None
    assert (delay.p50, delay.max) == pytest.approx((0.002, 0.007), rel=0.002)


def test_nothing_sent_has_no_percentiles() -> None:
    """A missing figure is None, not 0."""
    assert SendDelayRecorder().summary() is None


def test_the_delays_of_several_senders_are_one_distribution() -> None:
    """99 quick ones of one and one slow one of another: the median is the quick one's, the maximum the slow one's."""
    quick, slow = SendDelay.of({1_000: 99}), SendDelay.of({50_000: 1})
    assert quick is not None
    assert slow is not None
    both = together([quick, None, slow])
    assert both is not None
    assert (both.p50, both.p99, both.max) == pytest.approx((0.001, 0.001, 0.05), rel=0.002)
    assert together([None]) is None
