"""Lets a job begin at the first record of each partition.

The jobs start at their group's committed offsets where no checkpoint says otherwise, because Flink's other ways to
start at the beginning make a consumer jump there, silently, whenever its offset is gone later.
"""

from __future__ import annotations

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from pipeline.settings import Settings
from pipeline.topic_reader import REQUEST_TIMEOUT_SECONDS, KafkaUnavailable, TopicReader


def begin_at_the_first_record(settings: Settings, group: str) -> None:
    """Commits the first offset of every partition for a group. Raises KafkaUnavailable."""
    topic = settings.events_topic
    with TopicReader(settings, group) as reader:
        starts = [TopicPartition(topic, part, offsets.start) for part, offsets in reader.ranges(topic).items()]
    admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap, "log_level": 0})
    asked = ConsumerGroupTopicPartitions(group, starts)
    try:
        admin.alter_consumer_group_offsets([asked], request_timeout=REQUEST_TIMEOUT_SECONDS)[group].result()
    except KafkaException as error:
        raise KafkaUnavailable(f"the offsets of group {group} can't be set: {error.args[0]}") from error
