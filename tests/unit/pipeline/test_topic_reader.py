"""A broker that has just started is waited for; one that says something else is not."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from pipeline import topic_reader
from pipeline.settings import Settings
from pipeline.topic_reader import WITHOUT_LEADER, KafkaUnavailable, OffsetRange, TopicReader

METADATA = SimpleNamespace(topics={"events": SimpleNamespace(error=None, partitions={0: None})})


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Iterator[TopicReader]:
    monkeypatch.setattr(topic_reader, "POLL_SECONDS", 0.0)
    with TopicReader(Settings(kafka_bootstrap="127.0.0.1:1"), "test") as found:
        found._consumer.close()
        yield found


def answering(reader: TopicReader, *answers: Any) -> None:
    """What the broker says of the only partition's offsets, one after the other."""
    left = iter(answers)

    def offsets(*_: object, **__: object) -> Any:
        answer = next(left)
        if isinstance(answer, int):
            raise KafkaException(KafkaError(answer))
        return answer

    consumer: Any = SimpleNamespace(
        list_topics=lambda *_, **__: METADATA, get_watermark_offsets=offsets, close=lambda: None
    )
    reader._consumer = consumer


def test_a_partition_without_a_leader_is_asked_again(reader: TopicReader) -> None:
    answering(reader, *sorted(WITHOUT_LEADER), (3, 7))
    assert reader.ranges("events") == {0: OffsetRange(3, 7)}


def test_one_that_gets_no_leader_is_named(reader: TopicReader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topic_reader, "SILENCE_SECONDS", -1.0)
    answering(reader, KafkaError.LEADER_NOT_AVAILABLE)
    with pytest.raises(KafkaUnavailable, match="offsets of events"):
        reader.ranges("events")


def test_a_broker_that_is_gone_is_not_waited_for(reader: TopicReader) -> None:
    answering(reader, KafkaError._TRANSPORT, (3, 7))
    with pytest.raises(KafkaUnavailable):
        reader.ranges("events")
