"""Signs that no checkpoint could be written."""

from __future__ import annotations

import pytest

from pipeline.flink_rest import CheckpointNumbers
from slo.disturbances.bench import NotStruck
from slo.disturbances.injections import require_none_completed


def test_begun_and_never_complete_is_a_full_disk() -> None:
    """One that was begun before and has been completed meanwhile was written before."""
    require_none_completed({"job": CheckpointNumbers(7, 6)}, {"job": CheckpointNumbers(12, 7)})


@pytest.mark.parametrize(
    ("at_last", "said"),
    [
        (CheckpointNumbers(12, 8), "checkpoint 8 of job was completed anyway"),
        (CheckpointNumbers(7, 7), "job began no checkpoint"),
    ],
)
def test_a_disk_that_took_one_or_was_never_asked_is_none(at_last: CheckpointNumbers, said: str) -> None:
    with pytest.raises(NotStruck, match=said):
        require_none_completed({"job": CheckpointNumbers(7, 6)}, {"job": at_last})
