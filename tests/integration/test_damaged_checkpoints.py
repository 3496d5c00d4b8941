"""A checkpoint that can't be restored is passed over for the one before, whatever is wrong with it."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from compose.stack.jobs.checkpoints import complete_checkpoints
from compose.stack.jobs.view import BLOCKED
from compose.stack.status import status
from pipeline.job_names import LIVE, flink_name
from pipeline.job_report import NOTHING, reports_of
from slo.disturbances.checkpoint_damage import METADATA, newest_checkpoint, truncate_states
from tests.integration.commands import adctr_json
from tests.integration.test_recovery import _jobs_checkpoint, _kill, _load_with, _pid
from tests.integration.waiting import eventually

if TYPE_CHECKING:
    from tests.integration.conftest import RunningStack

pytestmark = [pytest.mark.embedded, pytest.mark.long]


def _passed_over(stack: RunningStack) -> tuple[str, ...]:
    return reports_of(stack.settings).get(LIVE, NOTHING).passed_over


def test_a_truncated_state_file_under_load_is_passed_over(stack: RunningStack, tmp_path: Path) -> None:
    """Flink goes back to it again and again; the keeper ends that, and everything is exact."""
    before = _passed_over(stack)

    def damage() -> None:
        began = time.time()
        eventually("both jobs complete a checkpoint", lambda: _jobs_checkpoint(stack, began), 60)
        assert truncate_states(newest_checkpoint(stack.settings.checkpoint_dir, LIVE))
        _kill(stack, "taskmanager-live", "taskmanager-store")

    _load_with(stack, tmp_path, damage)
    assert len(_passed_over(stack)) == len(before) + 1
    rows = {job["name"]: job for job in status(stack.layout)["jobs"]}
    assert rows[flink_name(LIVE)]["passed_over"] == len(before) + 1


def _without_a_state(checkpoint: Path) -> None:
    for path in checkpoint.iterdir():
        if path.name != METADATA:
            path.unlink()


def _empty_metadata(checkpoint: Path) -> None:
    os.truncate(checkpoint / METADATA, 0)


def _truncated_metadata(checkpoint: Path) -> None:
    os.truncate(checkpoint / METADATA, (checkpoint / METADATA).stat().st_size // 2)


@pytest.mark.parametrize(
    ("damage", "noticed"),
    [(_without_a_state, True), (_empty_metadata, True), (_truncated_metadata, True), (shutil.rmtree, False)],
    ids=["missing state", "empty metadata", "truncated metadata", "missing"],
)
def test_whatever_is_wrong_with_the_newest_checkpoint(
    stack: RunningStack, damage: Callable[[Path], object], noticed: bool
) -> None:
    """The JobManager dies, so the keeper alone chooses. One that has gone as a whole was perhaps never complete."""
    before = _passed_over(stack)
    _freeze(stack, signal.SIGSTOP)
    damage(newest_checkpoint(stack.settings.checkpoint_dir, LIVE))
    _freeze(stack, signal.SIGCONT)
    _kill(stack, "jobmanager")
    killed = time.time()
    eventually("both jobs complete a checkpoint", lambda: _jobs_checkpoint(stack, killed), 300)
    assert (len(_passed_over(stack)) > len(before)) is noticed
    assert adctr_json(stack.data_dir, "verify")["exact"]


def _freeze(stack: RunningStack, how: signal.Signals) -> None:
    """No checkpoint is completed while the JobManager is stopped."""
    os.kill(_pid(stack, "jobmanager"), how)


def test_without_a_checkpoint_that_can_be_restored_nothing_is_started(stack: RunningStack, tmp_path: Path) -> None:
    """It says so, and goes on when a copy is put back."""
    job_dir = Path(stack.settings.checkpoint_dir) / LIVE
    _freeze(stack, signal.SIGSTOP)
    shutil.copytree(job_dir, tmp_path / LIVE)
    for checkpoint in complete_checkpoints(job_dir):
        _empty_metadata(checkpoint)
    _freeze(stack, signal.SIGCONT)
    _kill(stack, "jobmanager")
    eventually("the job is blocked", lambda: _row(stack)["state"] == BLOCKED, 400)
    assert "--accept-loss" in _row(stack)["reason"]
    shutil.copytree(tmp_path / LIVE, job_dir, dirs_exist_ok=True)
    restored = time.time()
    eventually("both jobs complete a checkpoint", lambda: _jobs_checkpoint(stack, restored), 300)
    assert adctr_json(stack.data_dir, "verify")["exact"]


def _row(stack: RunningStack) -> dict[str, str]:
    return next((job for job in status(stack.layout)["jobs"] if job["name"] == flink_name(LIVE)), {"state": ""})
