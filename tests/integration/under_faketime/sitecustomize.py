"""Loaded by every Python process under a `FakedClock`: libfaketime keeps its hands off those (FAKETIME_SKIP_CMDS).

librdkafka waits by C11's ``cnd_timedwait``, for which libfaketime 0.9.10 fakes the moment but not the wait: each wait
would last as much longer as the clock is ahead. Record times, event times and canaries all come from Python's clock, so
that is changed instead.
"""

import os
import select
import time
from collections.abc import Callable

_FILE = os.environ["ADCTR_FAKED_CLOCK"]


def _offset_seconds() -> float:
    with open(_FILE, encoding="ascii") as file:  # noqa: PTH123 - pathlib would be loaded by every process
        return float(file.read())


def _faked(now: Callable[[], float], now_ns: Callable[[], int]) -> None:
    time.time = lambda: now() + _offset_seconds()
    time.time_ns = lambda: now_ns() + int(_offset_seconds() * 1e9)


def _sleep(seconds: float) -> None:
    """Even so libfaketime takes the moments of the monotonic clock until which Python sleeps for the wall clock's."""
    select.select([], [], [], seconds)


_faked(time.time, time.time_ns)
time.sleep = _sleep
