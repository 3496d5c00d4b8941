"""What a consumer group has committed.

Asked by a consumer of the group that joins nothing. The admin client's `list_consumer_group_offsets` can end the
process (SIGSEGV in librdkafka 2.16): where the broker answers that it is not the group's coordinator, as one that has
just started does, its handler uses the state of a group, which only consumers have.
"""

from __future__ import annotations

from collections.abc import Iterable

from confluent_kafka import Consumer, KafkaException, TopicPartition

from pipeline.settings import Settings


class CommittedOffsets:
    """The committed offsets of one group; owns a Kafka client."""

    def __init__(self, settings: Settings, group: str) -> None:
        self._consumer = Consumer(
            {
                "bootstrap.servers": settings.kafka_bootstrap,
                "group.id": group,
                "enable.auto.commit": False,
                "log_level": 0,
            }
        )

    def of(self, topic: str, partitions: Iterable[int], timeout_seconds: float) -> dict[int, int]:
        """Offset by partition; partitions without one are left out. Raises KafkaException."""
        asked = [TopicPartition(topic, partition) for partition in partitions]
        answers = self._consumer.committed(asked, timeout=timeout_seconds)
        for answer in answers:
            if answer.error is not None:
                raise KafkaException(answer.error)
        return {answer.partition: answer.offset for answer in answers if answer.offset >= 0}

    def close(self) -> None:
        """Ends the client."""
        self._consumer.close()
