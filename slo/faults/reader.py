"""A reader as the dashboard is one, all through a fault: who answered it, and was it ever left without an answer?"""

from __future__ import annotations

import threading
from collections import Counter
from functools import partial
from typing import Any, Self

from pipeline.cache.cache_manager import CacheManager
from pipeline.cache.redis_reader import cache_client
from pipeline.read_results import Reading
from pipeline.settings import Settings
from pipeline.store import connect_reader

PERIOD_SECONDS = 0.25
UNANSWERED = "unanswered"


class FaultReader:
    """Asks four times a second, for the current window. Use as a context manager."""

    def __init__(self, settings: Settings) -> None:
        self._manager = CacheManager(cache_client(settings), partial(connect_reader, settings), settings)
        self._answers: Counter[str] = Counter()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fault-reader", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._manager.close()

    def answers(self) -> dict[str, int]:
        """How often each store answered, and under `UNANSWERED` how often neither did."""
        return dict(sorted(self._answers.items()))

    def _run(self) -> None:
        while not self._stop.wait(PERIOD_SECONDS):
            try:
                self._answers[self._ask(self._manager).source.value] += 1
            except Exception:  # whatever it is, nobody got an answer
                self._answers[UNANSWERED] += 1

    def _ask(self, manager: CacheManager) -> Reading[Any]:
        return manager.current_window()
