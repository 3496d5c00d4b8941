"""Which checkpoint a job resumes from, and which ones are cleared away."""

import os
from pathlib import Path

from compose.stack.jobs.checkpoints import complete_checkpoints, remove_predecessors


def _checkpoint(job_dir: Path, name: str, *, age: int, complete: bool = True) -> Path:
    path = job_dir / name
    path.mkdir(parents=True)
    if complete:
        (path / "_metadata").write_bytes(b"x")
        os.utime(path / "_metadata", (1_000 - age, 1_000 - age))
    return path


def test_the_newest_complete_checkpoint_comes_first_across_submissions(tmp_path: Path) -> None:
    """An incomplete chk-9 and an older submission's chk-40 lose against a newer chk-2."""
    _checkpoint(tmp_path, "aaa/chk-9", age=0, complete=False)
    old = _checkpoint(tmp_path, "aaa/chk-40", age=30)
    new = _checkpoint(tmp_path, "bbb/chk-2", age=10)
    assert complete_checkpoints(tmp_path) == [new, old]


def test_a_savepoint_is_one_of_them_and_goes_like_the_others(tmp_path: Path) -> None:
    """Newer than the last checkpoint of the job that ended with it; gone when the next has checkpoints of its own."""
    checkpoint = _checkpoint(tmp_path, "aaa/chk-9", age=30)
    savepoint = _checkpoint(tmp_path, "savepoints/savepoint-aaa-0123", age=20)
    assert complete_checkpoints(tmp_path) == [savepoint, checkpoint]
    newest = [_checkpoint(tmp_path, f"bbb/chk-{number}", age=20 - number) for number in (10, 11, 12)]
    remove_predecessors(tmp_path, "bbb", retained=3)
    assert complete_checkpoints(tmp_path) == newest[::-1]


def test_a_savepoint_that_the_running_job_is_writing_stays(tmp_path: Path) -> None:
    """`down --savepoint` has given it up; Flink has not, and the job ends with it."""
    for number in (10, 11, 12):
        _checkpoint(tmp_path, f"bbb/chk-{number}", age=20 - number)
    savepoint = _checkpoint(tmp_path, "savepoints/savepoint-bbb-0123", age=0, complete=False)
    (savepoint / "part").write_bytes(b"x")
    assert remove_predecessors(tmp_path, "bbb", retained=3) == []
    assert (savepoint / "part").exists()


def test_predecessors_stay_until_the_new_submission_has_checkpoints_of_its_own(tmp_path: Path) -> None:
    """With one checkpoint of three the old ones may still be needed; with three they go."""
    _checkpoint(tmp_path, "old/chk-40", age=30)
    _checkpoint(tmp_path, "new/chk-41", age=20)
    assert remove_predecessors(tmp_path, "new", retained=3) == []
    _checkpoint(tmp_path, "new/chk-42", age=10)
    _checkpoint(tmp_path, "new/chk-43", age=5)
    assert remove_predecessors(tmp_path, "new", retained=3) == [tmp_path / "old"]
    assert not (tmp_path / "old").exists()
