"""How many records each job has not yet covered by a complete checkpoint."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from confluent_kafka import IsolationLevel, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from pipeline.committed_offsets import CommittedOffsets
from pipeline.settings import Settings
from pipeline.topic_reader import OffsetRange
from slo.probes.probe import Probe, Sample
from slo.reconciliation.wait_drained import GROUPS, lag
from slo.spec.model import Indicator

TIMEOUT_SECONDS = 3.0


class ConsumerLag(Probe):
    """End offsets minus committed ones, summed over the partitions; one sample per job and look.

    Flink commits with each checkpoint, so even a job that keeps up is behind by what comes in one checkpoint interval.
    """

    name = "consumer_lag"
    indicators = (Indicator.CONSUMER_LAG,)
    period_seconds = 2.0

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        self._topic = settings.events_topic
        self._admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap, "log_level": 0})
        self._committed = {group: CommittedOffsets(settings, group) for group in GROUPS}
        self._clock = clock

    def look(self) -> Iterable[Sample]:
        found = self._admin.list_topics(self._topic, timeout=TIMEOUT_SECONDS).topics[self._topic].partitions
        partitions = [TopicPartition(self._topic, partition) for partition in found]
        # Committed offsets first: taken after the ends, they could be ahead of them.
        committed = {group: self._committed_by(group, partitions) for group in GROUPS}
        ends = self._ends(partitions)
        at = self._clock()
        return [
            Sample(Indicator.CONSUMER_LAG, at, float(lag(group, ends, offsets).records), group)
            for group, offsets in committed.items()
        ]

    def subjects(self) -> tuple[str, ...]:
        return tuple(GROUPS)

    def close(self) -> None:
        """Ends the clients of the groups; the other one closes with the object."""
        for each in self._committed.values():
            each.close()

    def _ends(self, partitions: list[TopicPartition]) -> dict[int, OffsetRange]:
        asked = {partition: OffsetSpec.latest() for partition in partitions}
        answers = self._admin.list_offsets(
            asked, isolation_level=IsolationLevel.READ_UNCOMMITTED, request_timeout=TIMEOUT_SECONDS
        )
        return {partition.partition: OffsetRange(0, answer.result().offset) for partition, answer in answers.items()}

    def _committed_by(self, group: str, partitions: list[TopicPartition]) -> dict[int, int]:
        numbers = [partition.partition for partition in partitions]
        found = self._committed[group].of(self._topic, numbers, TIMEOUT_SECONDS)
        return {number: found.get(number, 0) for number in numbers}
