"""Reads Kafka: offsets of the events topic, its records in batches, the letters of the two letter topics."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Self

from confluent_kafka import (
    Consumer,
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient

from pipeline.settings import Settings
from slo.reconciliation.fold import Batch, Headers, OffsetRange, Origin, digest

REQUEST_TIMEOUT_SECONDS = 10.0
SILENCE_SECONDS = 30.0
"""A broker that delivers nothing for so long, though there are records, is taken for gone."""
BATCH_RECORDS = 10_000
ORIGIN_HEADER_PREFIX = "__connect.errors."


class KafkaUnavailable(ConnectionError):
    """Kafka doesn't answer; the message names the address and what was asked."""


class Topics:
    """A consumer without a group of its own doings: it commits nothing. Use as a context manager."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._consumer = _consumer(settings, "adctr-verify")
        self._admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap, "log_level": 0})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._consumer.close()

    def ranges(self, topic: str) -> dict[int, OffsetRange]:
        """First and end offset of every partition of a topic. Raises KafkaUnavailable."""
        try:
            metadata = self._consumer.list_topics(topic, timeout=REQUEST_TIMEOUT_SECONDS).topics[topic]
            if metadata.error is not None:
                raise KafkaException(metadata.error)
            return {partition: self._range(topic, partition) for partition in sorted(metadata.partitions)}
        except KafkaException as error:
            raise self._unavailable(f"offsets of {topic}", error) from error

    def _range(self, topic: str, partition: int) -> OffsetRange:
        offsets = self._consumer.get_watermark_offsets(
            TopicPartition(topic, partition), timeout=REQUEST_TIMEOUT_SECONDS, cached=False
        )
        if offsets is None:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))  # noqa: SLF001 - the library's public name
        return OffsetRange(*offsets)

    def messages(self, topic: str, partition: int, offsets: OffsetRange) -> Iterator[list[Message]]:
        """The messages of a range of offsets, in order, in lists. Raises KafkaUnavailable."""
        at = offsets.start
        self._consumer.assign([TopicPartition(topic, partition, at)])
        heard = time.monotonic()
        while at < offsets.end:
            answers = self._consumer.consume(BATCH_RECORDS, timeout=0.5)
            if not answers and time.monotonic() - heard > SILENCE_SECONDS:
                silence = KafkaException(KafkaError(KafkaError._TIMED_OUT))  # noqa: SLF001
                raise self._unavailable(f"{topic}-{partition} at offset {at}", silence)
            if answers:
                heard = time.monotonic()
            messages = []
            for answer in answers:
                error = answer.error()
                if error is None:
                    messages.append(answer)
                    at = answer.offset() + 1
                elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001
                    # Aborted records and the markers of transactions have offsets too, and never arrive.
                    at = max(at, answer.offset())
                else:
                    raise self._unavailable(f"{topic}-{partition} at offset {at}", KafkaException(error))
            messages = [message for message in messages if offsets.start <= message.offset() < offsets.end]
            if messages:
                yield messages

    def batches(self, topic: str, ranges: Mapping[int, OffsetRange]) -> Iterator[Batch]:
        """The records of ranges of offsets, partition after partition. Raises KafkaUnavailable."""
        for partition, offsets in ranges.items():
            for messages in self.messages(topic, partition, offsets):
                yield batch_of(partition, messages)

    def letters(self, topic: str, origin_topic: str) -> tuple[dict[Origin, set[bytes]], list[int]]:
        """Digests of a letter topic's letters by origin, and the offsets of letters that name no origin on ours."""
        found: dict[Origin, set[bytes]] = {}
        stray: list[int] = []
        for partition, offsets in self.ranges(topic).items():
            for messages in self.messages(topic, partition, offsets):
                for message in messages:
                    letter = read_letter(message.key(), message.value(), message.headers() or [], origin_topic)
                    if letter is None:
                        stray.append(message.offset())
                    else:
                        found.setdefault(letter[0], set()).add(letter[1])
        return found, stray

    def values(self, topic: str, origins: Iterable[Origin]) -> dict[Origin, bytes | None]:
        """Values of single records, one read each."""
        values = {}
        for partition, offset in origins:
            for messages in self.messages(topic, partition, OffsetRange(offset, offset + 1)):
                values[partition, offset] = messages[0].value()
        return values

    def committed(self, group: str, topic: str, partitions: Iterable[int]) -> dict[int, int]:
        """Committed offset per partition of a group; 0 where it has committed none. Raises KafkaUnavailable."""
        asked = ConsumerGroupTopicPartitions(group, [TopicPartition(topic, partition) for partition in partitions])
        try:
            answers = self._admin.list_consumer_group_offsets([asked], request_timeout=REQUEST_TIMEOUT_SECONDS)
            offsets = answers[group].result().topic_partitions
        except KafkaException as error:
            raise self._unavailable(f"the offsets of group {group}", error) from error
        return {answer.partition: max(0, answer.offset) for answer in offsets}

    def _unavailable(self, what: str, error: KafkaException) -> KafkaUnavailable:
        return KafkaUnavailable(f"Kafka at {self._settings.kafka_bootstrap} doesn't give {what}: {error.args[0]}")


def batch_of(partition: int, messages: list[Message]) -> Batch:
    """A batch for the fold; keys and headers are only fetched for the records that need them."""
    return Batch(
        partition,
        [message.offset() for message in messages],
        [message.timestamp()[1] for message in messages],
        [message.value() for message in messages],
        key=lambda index: messages[index].key(),
        headers=lambda index: messages[index].headers() or (),
    )


def read_letter(
    key: bytes | None, value: bytes | None, headers: Headers, origin_topic: str
) -> tuple[Origin, bytes] | None:
    """Origin and digest of a letter; None if its headers name no origin on ``origin_topic``.

    The digest covers key, value, the headers that aren't ours and the record time, as `fold.digest` of the record.
    """
    ours: dict[str, str] = {}
    others: list[tuple[str, bytes | None]] = []
    for name, content in headers:
        if name.startswith(ORIGIN_HEADER_PREFIX):
            ours[name.removeprefix(ORIGIN_HEADER_PREFIX)] = (content or b"").decode(errors="replace")
        else:
            others.append((name, content))
    try:
        origin = int(ours["partition"]), int(ours["offset"])
        if ours["topic"] != origin_topic:
            return None
        return origin, digest(key, value, others, int(ours["timestamp"]))
    except (KeyError, ValueError):
        return None


def _consumer(settings: Settings, group: str) -> Consumer:
    return Consumer(
        {
            "bootstrap.servers": settings.kafka_bootstrap,
            "group.id": group,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "auto.offset.reset": "error",
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
            "queued.max.messages.kbytes": 131_072,
            "fetch.message.max.bytes": 4_194_304,
            "socket.connection.setup.timeout.ms": 5_000,
            "log_level": 0,
        }
    )
