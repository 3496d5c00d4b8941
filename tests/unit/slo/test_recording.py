"""A recording comes back from its file as it was, and nothing else passes for one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from slo.recording import Exactness, Recording, RecordingError, Series
from slo.spec.model import Ceiling, Indicator


def test_a_saved_recording_comes_back(tmp_path: Path) -> None:
    """Samples that never came (NaN) included."""
    latencies = Series(
        np.array([10.0, 11.0]), np.array([0.2, np.nan]), lowest=np.array([0.1, np.nan]), complete=True, expected=("a",)
    )
    before = Recording(
        began=10.0,
        ended=70.0,
        series={Indicator.EVENT_TO_REDIS: latencies},
        ceilings={Ceiling.REDIS_MEMORY: 1e6},
        exactness=Exactness(records=2, differences=0),
        notes={"rate": 5000.0},
    )
    before.save(tmp_path / "run.recording")
    after = Recording.load(tmp_path / "run.recording")
    assert (after.began, after.seconds, after.ceilings, after.exactness, after.notes) == (
        10.0, 60.0, before.ceilings, before.exactness, before.notes,
    )  # fmt: skip
    found = after.series[Indicator.EVENT_TO_REDIS]
    np.testing.assert_array_equal(found.values, [0.2, np.nan])
    np.testing.assert_array_equal(found.times, [10.0, 11.0])
    np.testing.assert_array_equal(found.lower, [0.1, np.nan])
    assert (found.complete, found.expected, found.period_seconds, found.void) == (True, ("a",), None, "")


def test_samples_of_several_subjects_come_back_and_can_be_told_apart(tmp_path: Path) -> None:
    of = np.array(["kafka", "redis", "kafka"])
    before = Recording(
        began=0.0,
        ended=9.0,
        series={
            Indicator.PROCESS_THREADS: Series(np.array([1.0, 2.0, 3.0]), np.array([80.0, 5.0, 81.0]), subjects=of),
            Indicator.REDIS_MEMORY: Series(np.array([1.0]), np.array([1e6])),
        },
    )
    before.save(tmp_path / "soak.recording")
    kafka = Recording.load(tmp_path / "soak.recording").of("kafka")
    np.testing.assert_array_equal(kafka.series[Indicator.PROCESS_THREADS].values, [80.0, 81.0])
    np.testing.assert_array_equal(kafka.last(6.0).series[Indicator.PROCESS_THREADS].values, [81.0])
    np.testing.assert_array_equal(kafka.series[Indicator.REDIS_MEMORY].values, [1e6])


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04garbage"])
def test_another_file_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "holiday.jpg"
    path.write_bytes(content)
    with pytest.raises(RecordingError, match=r"holiday\.jpg"):
        Recording.load(path)


def test_times_and_values_must_match() -> None:
    with pytest.raises(ValueError, match=r"times \(2,\) and values \(1,\)"):
        Series(np.zeros(2), np.zeros(1))
