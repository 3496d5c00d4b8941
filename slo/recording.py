"""What a check has seen: samples per indicator, computed ceilings, the counts. Judging it needs nothing else.

A recording is data: it can be saved, judged again with another specification, compared with another one, drawn.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from slo.spec.model import Ceiling, Indicator

Floats = npt.NDArray[np.float64]
Names = npt.NDArray[np.str_]
FORMAT_VERSION = 2
_SAVED = ("void", "failed_looks", "complete", "period_seconds", "expected")


class RecordingError(ValueError):
    """A file is not a recording, or one of another version; the message names it."""


@dataclass(frozen=True)
class Series:
    """Samples of one indicator in the order of time.

    ``times`` are unix seconds (for a latency: when the sample was due, so the intended send time of an event). A value
    of NaN is a sample that never came: bad under every objective. What is polled is known as an interval: each value
    is its upper end, ``lowest`` has the lower ends; None where values are exact.

    ``complete`` says that nothing that happened is missing among the samples: every event, window or checkpoint of the
    run. ``period_seconds`` is the time from one poll to the next, for samples that are polls; None for the others.
    ``void`` says why the samples mean nothing. ``failed_looks`` are polls that got no answer.

    ``subjects`` says of which job, process or table each sample is; None where there is only one. ``expected`` names
    those that have to be there, whether or not they have samples.
    """

    times: Floats
    values: Floats
    void: str = ""
    failed_looks: int = 0
    subjects: Names | None = None
    lowest: Floats | None = None
    complete: bool = False
    period_seconds: float | None = None
    expected: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.times.shape != self.values.shape or self.times.ndim != 1:
            raise ValueError(f"times {self.times.shape} and values {self.values.shape}: must be two equal rows")
        if self.subjects is not None and self.subjects.shape != self.times.shape:
            raise ValueError(f"times {self.times.shape} and subjects {self.subjects.shape}: must be two equal rows")
        if self.lowest is not None and self.lowest.shape != self.times.shape:
            raise ValueError(f"times {self.times.shape} and lowest {self.lowest.shape}: must be two equal rows")

    @property
    def lower(self) -> Floats:
        """The lower end of each sample; the values themselves where those are exact."""
        return self.values if self.lowest is None else self.lowest

    @property
    def all_subjects(self) -> tuple[str, ...]:
        """Everybody who has samples or should have some; empty where there is only one subject."""
        seen = () if self.subjects is None else np.unique(self.subjects).tolist()
        return tuple(sorted({*self.expected, *seen}))

    def since(self, began: float) -> Series:
        """The samples from a time (unix seconds) on."""
        return self._chosen(self.times >= began)

    def of(self, subject: str) -> Series:
        """The samples of one subject; all of them where there is only one."""
        if self.subjects is None:
            return self if not self.expected else self._chosen(np.zeros(len(self.times), dtype=np.bool_))
        return self._chosen(self.subjects == subject)

    def _chosen(self, chosen: npt.NDArray[np.bool_]) -> Series:
        subjects = None if self.subjects is None else self.subjects[chosen]
        lowest = None if self.lowest is None else self.lowest[chosen]
        return replace(self, times=self.times[chosen], values=self.values[chosen], subjects=subjects, lowest=lowest)


@dataclass(frozen=True)
class Exactness:
    """What `adctr verify` found. ``unverifiable`` says why nothing at all could be compared, if so.

    ``taken_back`` are events that a store showed meanwhile and did not show any more at the end.
    """

    records: int
    differences: int
    unverifiable: str = ""
    taken_back: int = 0


@dataclass(frozen=True)
class Recording:
    """One check, from ``began`` to ``ended`` (unix seconds). ``notes`` are figures worth showing beside the verdict.

    ``exactness`` is None where counts were not compared; then nothing is void on their account.
    """

    began: float
    ended: float
    series: Mapping[Indicator, Series]
    ceilings: Mapping[Ceiling, float] = field(default_factory=dict)
    exactness: Exactness | None = None
    notes: Mapping[str, float | int | str] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """How long the check watched."""
        return self.ended - self.began

    def last(self, seconds: float) -> Recording:
        """The same, as if the check had begun only so long before its end."""
        began = max(self.began, self.ended - seconds)
        series = {indicator: each.since(began) for indicator, each in self.series.items()}
        return replace(self, began=began, series=series)

    def of(self, subject: str) -> Recording:
        """The same with the samples of one job, process or table alone; all of it for an empty name."""
        if not subject:
            return self
        return replace(self, series={indicator: each.of(subject) for indicator, each in self.series.items()})

    def save(self, path: Path) -> None:
        """Writes one compressed file; an existing one is replaced."""
        arrays: dict[str, Floats | Names] = {}
        kept: dict[str, dict[str, Any]] = {}
        for indicator, series in self.series.items():
            arrays[f"{indicator.value}.times"], arrays[f"{indicator.value}.values"] = series.times, series.values
            if series.subjects is not None:
                arrays[f"{indicator.value}.subjects"] = series.subjects
            if series.lowest is not None:
                arrays[f"{indicator.value}.lowest"] = series.lowest
            kept[indicator.value] = {key: getattr(series, key) for key in _SAVED}
        document = {
            "version": FORMAT_VERSION,
            "began": self.began,
            "ended": self.ended,
            "series": kept,
            "ceilings": dict(self.ceilings),
            "exactness": asdict(self.exactness) if self.exactness else None,
            "notes": dict(self.notes),
        }
        with path.open("wb") as file:
            np.savez_compressed(file, document=np.array(json.dumps(document)), **arrays)

    @classmethod
    def load(cls, path: Path) -> Recording:
        """Reads what `save` has written. Raises RecordingError, FileNotFoundError."""
        try:
            with np.load(path, allow_pickle=False) as stored:
                document = json.loads(str(stored["document"]))
                if document["version"] != FORMAT_VERSION:
                    raise RecordingError(f"{path}: version {document['version']}, this is for {FORMAT_VERSION}")
                series = {
                    Indicator(name): Series(
                        stored[f"{name}.times"],
                        stored[f"{name}.values"],
                        **{**rest, "expected": tuple(rest["expected"])},
                        subjects=stored.get(f"{name}.subjects"),
                        lowest=stored.get(f"{name}.lowest"),
                    )
                    for name, rest in document["series"].items()
                }
        except (KeyError, TypeError, OSError, EOFError, ValueError, zipfile.BadZipFile) as error:
            if isinstance(error, FileNotFoundError | RecordingError):
                raise
            raise RecordingError(f"{path} is no recording of `adctr slo check --save`: {error}") from error
        exactness = document["exactness"]
        return cls(
            began=document["began"],
            ended=document["ended"],
            series=series,
            ceilings={Ceiling(name): value for name, value in document["ceilings"].items()},
            exactness=Exactness(**exactness) if exactness else None,
            notes=document["notes"],
        )
