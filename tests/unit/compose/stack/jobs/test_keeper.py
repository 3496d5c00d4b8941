"""The job keeper's view of what runs."""

import os
from pathlib import Path

import pytest

from compose.stack.jobs.keeper import FlinkJob, Keeper, active_jobs
from pipeline.settings import Settings


def test_ended_jobs_do_not_count_and_a_running_one_comes_first() -> None:
    """Of a failed, a younger running and an older created job, the running one is kept."""
    failed = FlinkJob("1", "adctr-live", "FAILED", 1)
    created = FlinkJob("2", "adctr-live", "CREATED", 2)
    running = FlinkJob("3", "adctr-live", "RUNNING", 3)
    other = FlinkJob("4", "adctr-store", "RUNNING", 1)
    assert active_jobs([failed, created, running, other], "adctr-live") == [running, created]


def test_a_checkpoint_that_fails_twice_is_passed_over_for_an_older_one(tmp_path: Path) -> None:
    """And when all have failed the newest is tried again: a job never starts over unnoticed."""
    keeper = Keeper(Settings(checkpoint_dir=str(tmp_path)))
    assert keeper.restore_point("live") is None
    for name in ("chk-1", "chk-2"):
        (tmp_path / "live" / "id" / name).mkdir(parents=True)
        (tmp_path / "live" / "id" / name / "_metadata").write_bytes(b"x")
    newest, older = keeper.restore_point("live"), None
    assert newest is not None
    keeper.attempts[newest] = 2
    older = keeper.restore_point("live")
    assert older not in (None, newest)
    keeper.attempts[older] = 2
    assert keeper.restore_point("live") == newest


def _keeper_with_checkpoints(directory: Path, monkeypatch: pytest.MonkeyPatch) -> Keeper:
    """Two checkpoints of the live job, and a Flink client that can't even start."""
    for number, name in enumerate(("chk-1", "chk-2")):
        metadata = directory / "live" / "id" / name / "_metadata"
        metadata.parent.mkdir(parents=True)
        metadata.write_bytes(b"x")
        os.utime(metadata, (number, number))
    monkeypatch.setenv("FLINK_CONF_DIR", str(directory))
    return Keeper(Settings(checkpoint_dir=str(directory)))


def test_a_client_that_cannot_submit_says_nothing_about_the_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often the JobManager is away, the newest checkpoint is the one to resume from."""
    keeper = _keeper_with_checkpoints(tmp_path, monkeypatch)
    newest = keeper.restore_point("live")
    for _ in range(3):
        keeper.note_failures([])
        keeper.submit(["live"])
    assert newest is not None
    assert newest.name == "chk-2"
    assert keeper.restore_point("live") == newest


def test_a_job_that_was_taken_and_failed_counts_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice failed, the older checkpoint's turn; a failure from before the submission is none of it."""
    keeper = _keeper_with_checkpoints(tmp_path, monkeypatch)
    rows = [FlinkJob("before", "adctr-live", "FAILED", 0)]
    keeper.note_failures(rows)
    for number in (1, 2):
        keeper.submit(["live"])
        rows.append(FlinkJob(str(number), "adctr-live", "FAILED", number))
        for _ in range(3):  # each look at the cluster shows the same rows again
            keeper.note_failures(rows)
    restore_point = keeper.restore_point("live")
    assert restore_point is not None
    assert restore_point.name == "chk-1"
