"""Keeps what probes see: 24 bytes per sample, and a `slo.recording.Recording` of it at any time."""

from __future__ import annotations

import threading
import time
from array import array
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from slo.probes.clock_steps import ClockSteps
from slo.probes.probe import NEVER, Doubtful, Probe, Sample
from slo.probes.runner import LookCounts, Runner
from slo.recording import Floats, Names, Recording, Series
from slo.spec.model import Indicator

SILENT_PERIODS = 5
SILENT_SECONDS = 10.0
"""A probe whose last poll is longer ago than both is dead or stuck: what it saw before says nothing of the rest."""
BY_THE_CLOCK = frozenset(
    {
        Indicator.EVENT_TO_REDIS,
        Indicator.EVENT_TO_POSTGRES,
        Indicator.WINDOW_CLOSE,
        Indicator.CHECKPOINT_AGE,
        Indicator.DASHBOARD_AGE,
    }
)
"""Those that compare the wall clock here with a time that somebody else wrote: void if the clock steps."""
PATIENCE_SECONDS = 5.0
"""A sample that is due for so long and has not come counts as one that never came."""


@dataclass
class _Column:
    times: array[float] = field(default_factory=lambda: array("d"))
    values: array[float] = field(default_factory=lambda: array("d"))
    lowest: array[float] = field(default_factory=lambda: array("d"))


class Recorder:
    """Runs probes and keeps their samples. Use as a context manager.

    ``also`` gets each sample as well, e.g. an exporter's `slo.exporter.metrics.ProbeMetrics.take`.
    """

    def __init__(
        self,
        probes: Sequence[Probe],
        also: Callable[[Sample], None] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.began = 0.0
        self._began_monotonic = 0.0
        self._stopped_at: float | None = None
        self._clock_steps = ClockSteps(clock)
        self._runner = Runner([*probes, self._clock_steps], self.take)
        self._also = also
        self._clock = clock
        self._lock = threading.Lock()
        self._columns: dict[tuple[Indicator, str], _Column] = defaultdict(_Column)
        self._failed_until: deque[tuple[float, dict[str, int]]] = deque()
        self._forgotten_failures: dict[str, int] = {}

    def __enter__(self) -> Self:
        self.began, self._began_monotonic = self._clock(), time.monotonic()
        self._runner.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Ends the probes. May be called twice; what was seen stays."""
        if self._stopped_at is None:
            self._stopped_at = time.monotonic()
        self._runner.stop()

    @property
    def counts(self) -> dict[str, LookCounts]:
        """Looks, failures and CPU seconds by the probe's name."""
        return self._runner.counts

    def end_probe(self, name: str) -> None:
        """Ends one probe for good, as if its process had died. Raises KeyError for an unknown name."""
        self._runner.end_probe(name)

    def clock_stepped(self) -> str:
        """Says so if the wall clock has stepped since the start; else empty."""
        return self._clock_steps.void()

    def take(self, sample: Sample) -> None:
        """Keeps one sample. Safe to call from several threads."""
        with self._lock:
            column = self._columns[sample.indicator, sample.job]
            column.times.append(sample.at)
            column.values.append(sample.value)
            column.lowest.append(sample.value if sample.lowest is None else sample.lowest)
        if self._also is not None:
            self._also(sample)

    def forget(self, before: float) -> None:
        """Drops samples that began to count before a time (unix seconds), for observers without an end.

        Looks that had failed by the last call before it are forgotten, too. Samples come nearly in the order of time:
        what stands behind a newer one goes a little later.
        """
        with self._lock:
            for column in self._columns.values():
                old = next((at for at, began in enumerate(column.times) if began >= before), len(column.times))
                del column.times[:old], column.values[:old], column.lowest[:old]
        self._failed_until.append((self._clock(), {name: each.failed for name, each in self.counts.items()}))
        while self._failed_until and self._failed_until[0][0] < before:
            _, self._forgotten_failures = self._failed_until.popleft()

    def recording(self, ended: float | None = None) -> Recording:
        """Everything since the start, of samples that began to count before ``ended`` (unix seconds; default: now).

        A sample comes only when what it measures has happened, so the end of a check asks a little later. One that is
        more than ``PATIENCE_SECONDS`` overdue by then is in the recording as one that never came.
        """
        now = self._clock()
        ended = now if ended is None else ended
        series = {
            indicator: self._series(probe, indicator, now, ended)
            for probe in self._runner.probes
            for indicator in probe.indicators
        }
        return Recording(self.began, ended, series, notes=self._notes())

    def _series(self, probe: Probe, indicator: Indicator, now: float, ended: float) -> Series:
        with self._lock:
            rows = [(job, *_arrays(column)) for (of, job), column in self._columns.items() if of is indicator]
        rows += [
            (sample.job, np.array([sample.at]), np.array([NEVER]), np.array([NEVER]))
            for sample in probe.missing()
            if sample.indicator is indicator and sample.at < now - PATIENCE_SECONDS
        ]
        times, values, lowest = (np.concatenate([np.zeros(0), *(row[at] for row in rows)]) for at in (1, 2, 3))
        subjects = np.repeat(np.array(["", *(row[0] for row in rows)]), [0, *(len(row[1]) for row in rows)])
        order = np.argsort(times, kind="stable")
        order = order[times[order] < ended]
        expected = probe.subjects()
        lowest = _granted(lowest, times, subjects, probe.doubtful())
        return Series(
            times[order],
            values[order],
            subjects=subjects[order] if expected or any(row[0] for row in rows) else None,
            lowest=None if np.array_equal(lowest, values, equal_nan=True) else lowest[order],
            complete=probe.complete,
            period_seconds=probe.period_seconds,
            expected=expected,
            void=probe.void() or self._silence(probe) or (self.clock_stepped() if indicator in BY_THE_CLOCK else ""),
            failed_looks=self.counts[probe.name].failed - self._forgotten_failures.get(probe.name, 0),
        )

    def _silence(self, probe: Probe) -> str:
        if self._stopped_at is None and not self.began:
            return ""
        until = time.monotonic() if self._stopped_at is None else self._stopped_at
        silent = until - (self.counts[probe.name].looked_at or self._began_monotonic)
        if silent <= max(SILENT_SECONDS, SILENT_PERIODS * probe.period_seconds):
            return ""
        return f"the probe {probe.name} had not looked for {silent:.0f} s at the end"

    def _notes(self) -> dict[str, float | int | str]:
        notes: dict[str, float | int | str] = {}
        for probe in self._runner.probes:
            counts = self.counts[probe.name]
            notes |= probe.notes()
            notes[f"probe_cpu_seconds.{probe.name}"] = round(counts.cpu_seconds, 6)
            if counts.skipped:
                notes[f"probe_looks_skipped.{probe.name}"] = counts.skipped
            if counts.last_error:
                notes[f"probe_error.{probe.name}"] = counts.last_error
        return notes


def _arrays(column: _Column) -> tuple[Floats, Floats, Floats]:
    times, values, lowest = (np.array(each, dtype=np.float64) for each in (column.times, column.values, column.lowest))
    return times, values, lowest


def _granted(lowest: Floats, times: Floats, subjects: Names, spans: Iterable[Doubtful]) -> Floats:
    """The lower ends, lowered by what the probe can't tell in some spans."""
    for span in spans:
        inside = (times >= span.begin) & (times < span.end) & (subjects == span.job)
        lowest[inside] = np.maximum(np.nan_to_num(lowest[inside] - span.seconds, nan=0.0), 0.0)
    return lowest
