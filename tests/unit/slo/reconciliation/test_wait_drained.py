"""Kafka and Flink that are silent for a moment are asked again; for how long is bounded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from pipeline.flink_rest import CheckpointNumbers, FlinkUnavailable
from pipeline.settings import Settings
from pipeline.topic_reader import KafkaUnavailable, OffsetRange
from slo.reconciliation import verify, wait_drained
from slo.reconciliation.fold import Fold
from slo.reconciliation.tally import Names
from slo.reconciliation.topic import Letters
from slo.reconciliation.wait_drained import GROUPS

ENDS = {0: OffsetRange(0, 5)}
Wait = Callable[[Iterator[Any], Iterator[Any]], list[str]]


class _Answers:
    """Gives one answer after the other, or raises it."""

    def __init__(self, answers: Iterator[Any]) -> None:
        self._answers = answers

    def __call__(self, *_: object) -> Any:
        answer = next(self._answers)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def wait(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Wait:
    """Waits with what Kafka says of committed offsets and Flink of checkpoints; returns the progress that was told."""
    monkeypatch.setattr(wait_drained, "POLL_SECONDS", 0.0)
    monkeypatch.setattr(wait_drained, "_SETTLE_MARGIN_SECONDS", 0.0)
    monkeypatch.setattr(wait_drained, "STORE_EARLY_FIRE_MILLISECONDS", 0)
    settings = Settings(checkpoint_dir=str(tmp_path), early_fire_milliseconds=1)

    def waited(committed: Iterator[Any], checkpoints: Iterator[Any]) -> list[str]:
        topics: Any = type("Topics", (), {"committed": staticmethod(_Answers(committed))})
        flink = type("Flink", (), {"checkpoints": staticmethod(_Answers(checkpoints))})
        monkeypatch.setattr(wait_drained, "FlinkRest", lambda _: flink)
        told: list[str] = []
        wait_drained.wait_until_drained(settings, topics, ENDS, 60.0, told.append)
        return told

    return waited


def _checkpoint(number: int) -> Mapping[str, CheckpointNumbers]:
    return dict.fromkeys(GROUPS, CheckpointNumbers(number, number))


def test_silence_of_a_moment_is_waited_out(wait: Wait) -> None:
    silent = KafkaUnavailable("Kafka is silent")
    busy = FlinkUnavailable("Flink is busy")
    told = wait(iter([silent, {0: 5}, silent, silent, {0: 5}]), iter([busy, _checkpoint(1), busy, _checkpoint(2)]))
    assert told.count("waiting for an answer: Kafka is silent") == 3
    assert told.count("waiting for an answer: Flink is busy") == 2


def test_silence_that_lasts_is_the_environments_failure(wait: Wait, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wait_drained, "STALL_SECONDS", 0.05)

    def silent() -> Iterator[KafkaUnavailable]:
        while True:
            yield KafkaUnavailable("Kafka is silent")

    with pytest.raises(KafkaUnavailable):
        wait(silent(), iter(()))


def test_comparing_waits_out_silence_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a JobManager's death Kafka and Flink answer late once more, when the jobs have long got there."""
    monkeypatch.setattr(wait_drained, "POLL_SECONDS", 0.0)
    silent = KafkaUnavailable("Kafka is silent")
    topics: Any = type(
        "Topics",
        (),
        {
            "letters": staticmethod(_Answers(iter([silent, Letters(), silent, Letters()]))),
            "ranges": staticmethod(_Answers(iter([silent, {}]))),
            "batches": staticmethod(lambda *_: ()),
        },
    )
    drops = _Answers(iter([FlinkUnavailable("Flink is busy"), dict.fromkeys(GROUPS, 0)]))
    monkeypatch.setattr(verify, "FlinkRest", lambda _: type("Flink", (), {"late_drops": staticmethod(drops)}))
    told: list[str] = []
    run: Any = verify._Reconciliation(Settings(checkpoint_dir=str(tmp_path)), topics, told.append)
    run.fold = Fold({}, run.decoder, 0, Names())
    run._compare_letters()
    run._compare_late_drops()
    run._fold_later({})
    assert told.count("waiting for an answer: Kafka is silent") == 3
    assert told.count("waiting for an answer: Flink is busy") == 1
    assert not run.suspects
