"""Reads ranges of offsets of a topic, in order, committing nothing."""

from __future__ import annotations

import operator
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)

from pipeline.committed_offsets import CommittedOffsets
from pipeline.settings import Settings

REQUEST_TIMEOUT_SECONDS = 10.0
SILENCE_SECONDS = 30.0
"""A broker that delivers nothing for so long, though there are records, is taken for gone."""
POLL_SECONDS = 0.5
WITHOUT_LEADER = frozenset(
    {
        KafkaError._UNKNOWN_PARTITION,  # noqa: SLF001 - the library's public name
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NOT_LEADER_FOR_PARTITION,
    }
)
"""What a broker says that has just started and does not lead its partitions yet."""
BATCH_RECORDS = 10_000


class KafkaUnavailable(ConnectionError):
    """Kafka doesn't answer; the message names the address and what was asked."""


# Called from C, where CPython checks that what returns a value has raised nothing. From bytecode it may not check:
# confluent_kafka 2.16 then gives a list with holes, and UnicodeDecodeError comes up in the next call.
_HEADERS = operator.methodcaller("headers")


def headers_of(message: Message) -> Sequence[tuple[str, bytes | None]] | None:
    """A message's headers; None where a name is not UTF-8: Kafka's client for Python then gives none of them."""
    try:
        return _HEADERS(message) or ()
    except (SystemError, UnicodeDecodeError):
        return None


@dataclass(frozen=True)
class OffsetRange:
    """Offsets ``start`` to ``end`` (exclusive) of one partition."""

    start: int
    end: int

    def __len__(self) -> int:
        return max(0, self.end - self.start)


class TopicReader:
    """A consumer of committed records that is a member of no group. Use as a context manager."""

    def __init__(self, settings: Settings, client: str) -> None:
        self._settings = settings
        self._consumer = _consumer(settings, client)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._consumer.close()

    def ranges(self, topic: str) -> dict[int, OffsetRange]:
        """First and end offset of every partition of a topic; waits for their leaders. Raises KafkaUnavailable."""
        deadline = time.monotonic() + SILENCE_SECONDS
        while True:
            try:
                metadata = self._consumer.list_topics(topic, timeout=REQUEST_TIMEOUT_SECONDS).topics[topic]
                if metadata.error is not None:
                    raise KafkaException(metadata.error)
                return {partition: self._range(topic, partition) for partition in sorted(metadata.partitions)}
            except KafkaException as error:
                if error.args[0].code() not in WITHOUT_LEADER or time.monotonic() > deadline:
                    raise self.unavailable(f"offsets of {topic}", error) from error
            time.sleep(POLL_SECONDS)

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
            # No more than are left: it would wait for them until the timeout.
            answers = self._consumer.consume(min(BATCH_RECORDS, offsets.end - at), timeout=0.5)
            if not answers and time.monotonic() - heard > SILENCE_SECONDS:
                silence = KafkaException(KafkaError(KafkaError._TIMED_OUT))  # noqa: SLF001
                raise self.unavailable(f"{topic}-{partition} at offset {at}", silence)
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
                    raise self.unavailable(f"{topic}-{partition} at offset {at}", KafkaException(error))
            messages = [message for message in messages if offsets.start <= message.offset() < offsets.end]
            if messages:
                yield messages

    def committed(self, group: str, topic: str, partitions: Iterable[int]) -> dict[int, int]:
        """Committed offset per partition of a group; 0 where it has committed none. Raises KafkaUnavailable."""
        asked, numbers = CommittedOffsets(self._settings, group), list(partitions)
        try:
            found = asked.of(topic, numbers, REQUEST_TIMEOUT_SECONDS)
        except KafkaException as error:
            raise self.unavailable(f"the offsets of group {group}", error) from error
        finally:
            asked.close()
        return {number: found.get(number, 0) for number in numbers}

    def unavailable(self, what: str, error: KafkaException) -> KafkaUnavailable:
        """The error to raise when Kafka doesn't give something."""
        return KafkaUnavailable(f"Kafka at {self._settings.kafka_bootstrap} doesn't give {what}: {error.args[0]}")


def _consumer(settings: Settings, client: str) -> Consumer:
    return Consumer(
        {
            "bootstrap.servers": settings.kafka_bootstrap,
            "group.id": client,
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
