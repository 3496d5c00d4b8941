"""What is read every so often beside the probes' indicators; a value that could not be read again is left out."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Self

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

log = logging.getLogger("adctr.exporter")
PERIOD_SECONDS = 15.0
STALE_SECONDS = 4 * PERIOD_SECONDS

Source = Callable[[], Sequence[Family]]


class Readings(Collector):
    """Reads each source in a thread of its own while the block lasts. Registers itself with ``registry``.

    A source that raises is asked again in the next turn; the log says when it began to fail.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        sources: Mapping[str, Source],
        period_seconds: float = PERIOD_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._period_seconds = period_seconds
        self._stop = threading.Event()
        self._read: dict[str, tuple[float, Sequence[Family]]] = {}
        self._threads = [
            threading.Thread(target=self._run, args=each, name=f"reading-{each[0]}", daemon=True)
            for each in sources.items()
        ]
        registry.register(self)

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def collect(self) -> Iterator[Family]:
        """What was read within the last four turns."""
        oldest = self._clock() - STALE_SECONDS
        for at, families in list(self._read.values()):
            if at >= oldest:
                yield from families

    def _run(self, name: str, source: Source) -> None:
        failing = False
        while not self._stop.is_set():
            try:
                self._read[name] = self._clock(), source()
                failing = False
            except Exception as error:  # whatever it is, it costs this turn alone
                log.log(logging.DEBUG if failing else logging.WARNING, "no %s: %s", name, error)
                failing = True
            self._stop.wait(self._period_seconds)
