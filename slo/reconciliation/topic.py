"""Reads Kafka: offsets of the events topic, its records in batches, the letters of the two letter topics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from confluent_kafka import Message

from pipeline.contract import letter_headers
from pipeline.contract.letter_size import Kept
from pipeline.contract.reasons import Reason
from pipeline.settings import Settings
from pipeline.topic_reader import KafkaUnavailable, OffsetRange, TopicReader, headers_of
from slo.reconciliation.fold import Headers, Origin, RecordBatch, digest_of_kept

__all__ = ["KafkaUnavailable", "Topics", "batch_of", "read_letter"]


@dataclass
class Letters:
    """The letters of a topic by the origins of their records, of which each may have several equal ones."""

    digests: dict[Origin, set[bytes]] = field(default_factory=dict)
    reasons: dict[Origin, set[Reason | None]] = field(default_factory=dict)
    stray: list[int] = field(default_factory=list)
    """Offsets of letters that name no origin on our topic."""


class Topics(TopicReader):
    """A consumer without a group of its own doings: it commits nothing. Use as a context manager."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, "adctr-verify")

    def batches(self, topic: str, ranges: Mapping[int, OffsetRange]) -> Iterator[RecordBatch]:
        """The records of ranges of offsets, partition after partition. Raises KafkaUnavailable."""
        for partition, offsets in ranges.items():
            for messages in self.messages(topic, partition, offsets):
                yield batch_of(partition, messages)

    def letters(self, topic: str, origin_topic: str) -> Letters:
        """Everything that a letter topic has. Raises KafkaUnavailable."""
        found = Letters()
        for partition, offsets in self.ranges(topic).items():
            for messages in self.messages(topic, partition, offsets):
                for message in messages:
                    letter = read_letter(message.key(), message.value(), headers_of(message) or [], origin_topic)
                    if letter is None:
                        found.stray.append(message.offset())
                    else:
                        origin, digest, reason = letter
                        found.digests.setdefault(origin, set()).add(digest)
                        found.reasons.setdefault(origin, set()).add(reason)
        return found

    def values(self, topic: str, origins: Iterable[Origin]) -> dict[Origin, bytes | None]:
        """Values of single records, one read each."""
        values = {}
        for partition, offset in origins:
            for messages in self.messages(topic, partition, OffsetRange(offset, offset + 1)):
                values[partition, offset] = messages[0].value()
        return values


def batch_of(partition: int, messages: list[Message]) -> RecordBatch:
    """A batch for the fold; keys and headers are only fetched for the records that need them."""
    return RecordBatch(
        partition,
        [message.offset() for message in messages],
        [message.timestamp()[1] for message in messages],
        [message.value() for message in messages],
        key=lambda index: messages[index].key(),
        headers=lambda index: headers_of(messages[index]),
    )


def read_letter(
    key: bytes | None, value: bytes | None, headers: Headers, origin_topic: str
) -> tuple[Origin, bytes, Reason | None] | None:
    """Origin, digest and reason of a letter; None if its headers name no origin on ``origin_topic``.

    The digest is that of the record itself (`fold.digest`). The reason is None where it has no code.
    """
    ours = {
        name: (content or b"").decode(errors="replace")
        for name, content in headers
        if name.startswith(letter_headers.PREFIX)
    }
    try:
        origin = int(ours[letter_headers.PARTITION]), int(ours[letter_headers.OFFSET])
        if ours[letter_headers.TOPIC] != origin_topic:
            return None
        others = {name: content for name, content in headers if content is not None}
        kept = Kept(key, value, others, int(ours.get(letter_headers.SHORTENED, "0")) or None)
        reason = Reason.in_text(ours.get(letter_headers.MESSAGE, ""))
        return origin, digest_of_kept(kept, int(ours[letter_headers.TIMESTAMP])), reason
    except (KeyError, ValueError):
        return None
