"""The job keeper's view of what runs."""

import os
from pathlib import Path

import pytest

from compose.stack.jobs import keeper as keeper_module
from compose.stack.jobs.checkpoints import complete_checkpoints
from compose.stack.jobs.keeper import Keeper, active_jobs
from compose.stack.jobs.restoring import RestoreFailures
from compose.stack.jobs.topic_loss import Problem, TopicState
from pipeline.flink_rest import FlinkJob
from pipeline.job import parse_arguments
from pipeline.job_report import Lost, reports_of
from pipeline.settings import Settings
from pipeline.topic_reader import OffsetRange


def test_ended_jobs_do_not_count_and_a_running_one_comes_first() -> None:
    """Of a failed, a younger running and an older created job, the running one is kept."""
    failed = FlinkJob("1", "adctr-live", "FAILED", 1)
    created = FlinkJob("2", "adctr-live", "CREATED", 2)
    running = FlinkJob("3", "adctr-live", "RUNNING", 3)
    other = FlinkJob("4", "adctr-store", "RUNNING", 1)
    assert active_jobs([failed, created, running, other], "adctr-live") == [running, created]


def test_a_checkpoint_that_fails_twice_is_passed_over_for_an_older_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And when all have failed the job is not started: it never starts over unnoticed."""
    keeper = _keeper_with_checkpoints(tmp_path, monkeypatch)
    newest = keeper.restore_point("live")
    assert newest is not None
    keeper.attempts[newest] = 2
    older = keeper.restore_point("live")
    assert older not in (None, newest)
    keeper.attempts[older] = 2  # type: ignore[index]
    assert keeper.restore_point("live") is None
    assert not keeper.may_start("live")
    blocked = reports_of(keeper.settings)["live"].blocked
    assert blocked is not None
    assert "none of its 2 checkpoints" in blocked
    assert "adctr up --accept-loss" in blocked
    assert not keeper.may_start("live"), "not tried again at once"
    assert keeper.restore_point("live") == newest
    keeper.gate.blocked_until.clear()
    assert keeper.may_start("live"), "a disk may be back"


def test_a_job_starts_without_its_state_where_that_was_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once: what is lost later is reported again. The checkpoints are kept, where no start finds them."""
    accept = tmp_path / "run" / "accept-loss"
    accept.parent.mkdir()
    accept.touch()
    keeper = _keeper_with_checkpoints(tmp_path, monkeypatch)
    keeper.attempts = dict.fromkeys(complete_checkpoints(tmp_path / "live"), 2)
    assert keeper.may_start("live")
    assert keeper.restore_point("live") is None
    assert len(list(tmp_path.glob("set-aside/live-*/id/chk-*/_metadata"))) == 2
    assert not accept.exists()


def test_the_store_job_starts_over_where_postgres_was_restored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It alone, and once."""
    mark = tmp_path / "run" / "reread-store"
    mark.parent.mkdir()
    mark.touch()
    checkpoint = tmp_path / "store" / "id" / "chk-7"
    checkpoint.mkdir(parents=True)
    (checkpoint / "_metadata").write_bytes(b"x")
    keeper = _keeper_with_checkpoints(tmp_path, monkeypatch)
    assert keeper.restore_point("store") is None
    assert keeper.restore_point("live") is not None
    assert keeper.gate.accepted == {"store"}
    assert len(list(tmp_path.glob("set-aside/store-*/id/chk-7/_metadata"))) == 1
    assert not mark.exists()


def test_records_that_are_lost_are_counted_once_however_often_the_job_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Flink's client may fail after the loss was accepted."""
    keeper = _keeper_with_checkpoints(tmp_path, monkeypatch)
    lost = Problem("three records have gone", (Lost(1, 4, 7),))
    monkeypatch.setattr(keeper.gate.topic, "problem", lambda *_, **__: lost)
    assert keeper.gate.has_lost_records("live")
    keeper.gate.accepted = {"live"}
    assert keeper.may_start("live")
    keeper.gate.accepted.clear()  # as soon as all its tasks run
    assert not keeper.gate.has_lost_records("live"), "it has yet to complete a checkpoint"
    assert keeper.may_start("live")
    assert keeper.gate.accepted == {"live"}, "Flink's client must know"
    assert reports_of(keeper.settings)["live"].lost == (Lost(1, 4, 7),)
    monkeypatch.setattr(keeper.gate.topic, "problem", lambda *_, **__: Problem("more", (Lost(1, 7, 9),)))
    keeper.gate.accepted.clear()
    assert keeper.gate.has_lost_records("live"), "what is lost later was not accepted"


def test_options_of_a_job_may_stand_between_two_jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the keeper puts them for the first of two."""
    keeper = _keeper_with_checkpoints(tmp_path, monkeypatch)
    commands: list[list[str]] = []
    monkeypatch.setattr(keeper_module.subprocess, "Popen", lambda command, **_: commands.append(command))
    keeper.gate.accepted = {"live", "store"}
    keeper.submit(["live", "store"])
    given = commands[0][next(at for at, word in enumerate(commands[0]) if word.endswith("job.py")) + 1 :]
    parsed = parse_arguments(given)
    assert [job.partition("=")[0] for job in parsed.jobs] == ["live", "store"]
    assert parsed.accept_loss == ["live", "store"]


def test_a_job_that_fails_to_restore_is_cancelled_and_its_checkpoint_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Flink itself would try the same one for ever; one failure alone may have been the network."""
    keeper = _keeper_with_checkpoints(tmp_path, monkeypatch)
    newest = keeper.restore_point("live")
    cancelled: list[str] = []
    monkeypatch.setattr(keeper.flink, "cancel", cancelled.append)
    found = [RestoreFailures(1, newest, "EOFException"), RestoreFailures(2, newest, "EOFException")]
    monkeypatch.setattr(keeper, "failures_of", lambda _: found.pop(0))
    row = FlinkJob("1", "adctr-live", "RESTARTING", 1, settled=False)
    keeper.watch_restoring("live", row)
    assert cancelled == []
    keeper.watch_restoring("live", row)
    assert cancelled == ["1"]
    assert keeper.restore_point("live") not in (None, newest)
    assert reports_of(keeper.settings)["live"].passed_over == (str(newest),)


class WholeTopic:
    """Kafka's answers about a topic that has everything."""

    def state(self) -> TopicState:
        return TopicState("ad-events", "id", {0: OffsetRange(0, 10)})

    def problem(self, _job: str, _known_id: str | None, _state: TopicState, **_: bool) -> Problem | None:
        return None


def _await_client(keeper: Keeper) -> None:
    assert keeper.client is not None
    keeper.client.wait(60)
    assert not keeper.client_is_busy()


def _keeper_with_checkpoints(directory: Path, monkeypatch: pytest.MonkeyPatch) -> Keeper:
    """Two checkpoints of the live job, and a Flink client that can't even start."""
    for number, name in enumerate(("chk-1", "chk-2")):
        metadata = directory / "live" / "id" / name / "_metadata"
        metadata.parent.mkdir(parents=True)
        metadata.write_bytes(b"x")
        os.utime(metadata, (number, number))
    monkeypatch.setenv("FLINK_CONF_DIR", str(directory))
    monkeypatch.setenv("ADCTR_DATA_DIR", str(directory))
    keeper = Keeper(Settings(checkpoint_dir=str(directory)))
    keeper.gate.topic = WholeTopic()  # type: ignore[assignment]
    return keeper


def test_a_client_that_cannot_submit_says_nothing_about_the_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often the JobManager is away, the newest checkpoint is the one to resume from."""
    keeper = _keeper_with_checkpoints(tmp_path, monkeypatch)
    newest = keeper.restore_point("live")
    for _ in range(3):
        keeper.note_failures([])
        keeper.submit(["live"])
        _await_client(keeper)
    assert newest is not None
    assert newest.name == "chk-2"
    assert keeper.restore_point("live") == newest


def test_a_job_that_was_taken_and_failed_counts_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice failed, the older checkpoint's turn; a failure from before the submission is none of it."""
    keeper = _keeper_with_checkpoints(tmp_path, monkeypatch)
    monkeypatch.setattr(keeper, "failures_of", lambda _: RestoreFailures(0, None, ""))
    rows = [FlinkJob("before", "adctr-live", "FAILED", 0)]
    keeper.note_failures(rows)
    for number in (1, 2):
        keeper.submit(["live"])
        _await_client(keeper)
        rows.append(FlinkJob(str(number), "adctr-live", "FAILED", number))
        for _ in range(3):  # each look at the cluster shows the same rows again
            keeper.note_failures(rows)
    restore_point = keeper.restore_point("live")
    assert restore_point is not None
    assert restore_point.name == "chk-1"


def test_a_job_whose_topic_is_another_one_is_cancelled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also while it runs: it would read other records under the offsets of old ones."""
    keeper = _keeper_with_checkpoints(tmp_path, monkeypatch)
    cancelled: list[str] = []
    monkeypatch.setattr(keeper.flink, "cancel", cancelled.append)
    monkeypatch.setattr(keeper.gate, "is_another_topic", lambda job: job == "live")
    rows = [FlinkJob("1", "adctr-live", "RUNNING", 1), FlinkJob("2", "adctr-store", "RUNNING", 1)]
    keeper.watch_topic(rows)
    keeper.watch_topic(rows)
    assert cancelled == ["1"]


def test_a_job_that_cannot_get_its_records_is_cancelled_if_it_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that runs has read further than it has committed."""
    keeper = _keeper_with_checkpoints(tmp_path, monkeypatch)
    cancelled: list[str] = []
    monkeypatch.setattr(keeper.flink, "cancel", cancelled.append)
    monkeypatch.setattr(keeper.gate, "is_another_topic", lambda _: False)
    monkeypatch.setattr(keeper.gate, "has_lost_records", lambda _: True)
    rows = [FlinkJob("1", "adctr-live", "RUNNING", 1), FlinkJob("2", "adctr-store", "RESTARTING", 1, settled=False)]
    keeper.watch_topic(rows)
    assert cancelled == ["2"]
