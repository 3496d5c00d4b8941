"""The job keeper's view of what runs."""

from pathlib import Path

from compose.stack.jobs import FlinkJob, Keeper, active_jobs
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
