"""A reader as the dashboard is one, who writes down every answer to be checked afterwards."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from itertools import cycle
from typing import Any

from pipeline.cache.breakdown import Breakdown
from pipeline.cache.cache_manager import CacheManager
from pipeline.contract.cache_schema import ZERO
from pipeline.contract.windows import WindowState, window_state
from pipeline.read_results import Reading, WindowCounts
from pipeline.settings import Settings
from slo.faults.reader import FaultReader
from slo.schedules.told import Told, ToldWindow

LOOKED_BACK_SECONDS = {60: 480, 300: 900}
"""By window size: far enough back to see windows that are final already."""


class RecordingReader(FaultReader):
    """Asks for totals and for campaigns, interleaved, of both window sizes, up to the current window."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        super().__init__(settings)
        self._final_after_seconds, self._clock = settings.final_after_seconds, clock
        self._told: list[Told] = []
        kinds = (self._totals, self._campaigns)
        self._questions = cycle([(ask, size) for size in LOOKED_BACK_SECONDS for ask in kinds])

    def told(self) -> Sequence[Told]:
        """Every answer so far, in order."""
        return tuple(self._told)

    def _ask(self, manager: CacheManager) -> Reading[Any]:
        ask, size = next(self._questions)
        return ask(manager, size, self._clock())

    def _totals(self, manager: CacheManager, size: int, now: float) -> Reading[Any]:
        reading = manager.time_series(int(now) - LOOKED_BACK_SECONDS[size], int(now) + 1, size)
        self._told.append(told_totals(reading, now, self._clock()))
        return reading

    def _campaigns(self, manager: CacheManager, size: int, now: float) -> Reading[Any]:
        reading = manager.breakdown(int(now) - LOOKED_BACK_SECONDS[size], int(now) + 1, size)
        self._told.append(told_campaigns(reading, self._final_after_seconds, now, self._clock()))
        return reading


def told_totals(reading: Reading[tuple[WindowCounts, ...]], asked_at: float, told_at: float) -> Told:
    """What a time series of everything says."""
    windows = (ToldWindow(each.start_seconds, each.counts, each.state is WindowState.FINAL) for each in reading.value)
    return Told(reading.source.value, asked_at, told_at, reading.value[0].size_seconds, tuple(windows))


def told_campaigns(reading: Reading[Breakdown], final_after_seconds: int, asked_at: float, told_at: float) -> Told:
    """What a breakdown says, of which the windows and the campaigns come with one answer."""
    size = reading.value.windows[0].size_seconds
    windows = (
        ToldWindow(
            each.start_seconds,
            sum(each.by_category.values(), ZERO),
            window_state(each.start_seconds, size, reading.watermark_ms, final_after_seconds) is WindowState.FINAL,
        )
        for each in reading.value.windows
    )
    cells = sum(reading.value.cells.values(), ZERO)
    return Told(reading.source.value, asked_at, told_at, size, tuple(windows), cells)
