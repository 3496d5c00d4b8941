"""What the jobs' state takes where it is kept: the files of all checkpoints that are there."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from pipeline.job_names import JOBS, flink_name
from pipeline.settings import Settings
from slo.probes.probe import Probe, Sample
from slo.spec.model import Indicator


class StateStorage(Probe):
    """One sample per job and poll: bytes below the job's directory of checkpoints.

    Flink tells the size of one checkpoint (`slo.probes.checkpoints`); this finds what it has forgotten to delete, too.
    """

    name = "state_storage"
    indicators = (Indicator.STATE_STORAGE,)
    period_seconds = 5.0

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        self._directory = settings.checkpoint_dir
        self._clock = clock

    def look(self) -> Iterable[Sample]:
        if "://" in self._directory:
            return ()
        return [
            Sample(
                Indicator.STATE_STORAGE,
                self._clock(),
                float(_bytes_below(Path(self._directory) / job)),
                flink_name(job),
            )
            for job in JOBS
        ]

    def subjects(self) -> tuple[str, ...]:
        return () if "://" in self._directory else tuple(map(flink_name, JOBS))

    def close(self) -> None:
        """Nothing to end."""

    def void(self) -> str:
        return "checkpoints are not on this machine" if "://" in self._directory else ""


def _bytes_below(directory: Path) -> int:
    size = 0
    for place, _, files in os.walk(directory):
        for name in files:
            with suppress(FileNotFoundError):  # a checkpoint that was deleted just now
                size += (Path(place) / name).stat().st_size
    return size
