"""How many records the topics have had, and how many dead letters and late events Kafka is about to delete."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from confluent_kafka import IsolationLevel, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric as Family

from pipeline.settings import Settings
from slo.spec.metrics import LETTERS_EXPIRING, TOPIC_RECORDS

EVENTS = "events"
DEAD_LETTERS = "dead_letters"
LATE_EVENTS = "late_events"
WARNED_AT = 0.8
"""The share of its retention at which a record counts as about to be deleted."""
_DAY_SECONDS = 86_400.0
_TIMEOUT_SECONDS = 5.0


class Topics:
    """A source of `slo.exporter.readings.Readings`. Raises KafkaException where Kafka does not answer."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        self._topics = {
            EVENTS: settings.events_topic,
            DEAD_LETTERS: settings.dead_letter_topic,
            LATE_EVENTS: settings.late_topic,
        }
        self._retention_days = {
            DEAD_LETTERS: settings.dead_letter_retention_days,
            LATE_EVENTS: settings.late_retention_days,
        }
        self._admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap, "log_level": 0})
        self._clock = clock

    def read(self) -> Sequence[Family]:
        """The counter and the gauge, each by the label ``holds``."""
        records = CounterMetricFamily(
            TOPIC_RECORDS.removesuffix("_total"),
            "End offsets of a topic, summed; transactions' markers count as well.",
            labels=["holds"],
        )
        expiring = GaugeMetricFamily(
            LETTERS_EXPIRING, "Records that Kafka deletes within a fifth of their retention.", labels=["holds"]
        )
        for holds, topic in self._topics.items():
            partitions = [TopicPartition(topic, number) for number in self._partitions(topic)]
            ends = self._offsets(partitions, OffsetSpec.latest())
            records.add_metric([holds], float(sum(ends.values())))
            days = self._retention_days.get(holds)
            if days is not None:
                expiring.add_metric([holds], float(self._expiring(partitions, ends, days)))
        return [records, expiring]

    def _partitions(self, topic: str) -> Sequence[int]:
        return list(self._admin.list_topics(topic, timeout=_TIMEOUT_SECONDS).topics[topic].partitions)

    def _expiring(self, partitions: Sequence[TopicPartition], ends: Mapping[int, int], days: int) -> int:
        """Of each partition the records before the first that is young enough."""
        if not days:
            return 0
        oldest_ms = int((self._clock() - WARNED_AT * days * _DAY_SECONDS) * 1000)
        starts = self._offsets(partitions, OffsetSpec.earliest())
        young = self._offsets(partitions, OffsetSpec.for_timestamp(oldest_ms))
        # None is young enough: Kafka says -1.
        return sum((at if at >= 0 else ends[number]) - starts[number] for number, at in young.items())

    def _offsets(self, partitions: Sequence[TopicPartition], which: OffsetSpec) -> dict[int, int]:
        answers = self._admin.list_offsets(
            dict.fromkeys(partitions, which),
            isolation_level=IsolationLevel.READ_UNCOMMITTED,
            request_timeout=_TIMEOUT_SECONDS,
        )
        return {partition.partition: answer.result().offset for partition, answer in answers.items()}
