"""Sends encoded events to Kafka without ever waiting for the answers, and keeps every answer.

Idempotent, acks=all: within one run a record is on the topic once, and a campaign's records are in the order of
sending.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from loadgen.encoder import seqs_of_values
from loadgen.errors import BrokerUnavailable, LoadRefused
from loadgen.ledger import UNKNOWN_OFFSET
from pipeline.contract.rules import MAX_AHEAD_MS
from pipeline.settings import Settings

LINGER_MS = 10
MAX_QUEUED_MESSAGES = 2_000_000
MAX_QUEUED_KILOBYTES = 1_000_000
MAX_DELIVERY_SECONDS = 120.0
METADATA_TIMEOUT_SECONDS = 10.0
FAILED_PARTITION = -1
QUEUE_FULL = -184
"""librdkafka's code for "local queue full": such an event never left this process."""

_LARGEST_BROKER_CODE = 99
"""Of those that a producer may get; librdkafka's own are -100 and below."""

Int64s = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Answers:
    """Outcomes of sends, as columns of equal length; a failure has partition -1 and -error code as offset."""

    seqs: Int64s
    partitions: Int64s
    offsets: Int64s

    def __len__(self) -> int:
        return len(self.seqs)


def failure_name(offset: int) -> str:
    """What kept a send from being acknowledged, from its "offset": Kafka's name of the error, ``INVALID_TIMESTAMP``."""
    code = abs(offset)
    name: str = KafkaError(code if code <= _LARGEST_BROKER_CODE else -code).name()
    return name.lstrip("_")


class _Mailbox:
    """Keeps delivery reports as they come: to read them out in the callback, one by one, would take twice as long."""

    def __init__(self) -> None:
        self.delivered: list[Message] = []
        self.failed: list[tuple[bytes, int]] = []

    def callback(self) -> Callable[[KafkaError | None, Message], None]:
        """What runs once per event, so it is spelt out."""
        keep, fail = self.delivered.append, self.failed.append

        def answered(error: KafkaError | None, message: Message) -> None:
            if error is None:
                keep(message)
            else:
                fail((message.value(), -abs(error.code())))

        return answered

    def __len__(self) -> int:
        return len(self.delivered) + len(self.failed)

    def take(self) -> Answers:
        """What there is; then there is nothing. Failures come last."""
        delivered, failed = self.delivered.copy(), self.failed.copy()
        self.delivered.clear()
        self.failed.clear()
        values = [message.value() for message in delivered] + [value for value, _ in failed]
        partitions = [message.partition() for message in delivered] + [FAILED_PARTITION] * len(failed)
        offsets = [_offset_of(message) for message in delivered] + [code for _, code in failed]
        return Answers(seqs_of_values(values), np.array(partitions, np.int64), np.array(offsets, np.int64))


def _offset_of(message: Message) -> int:
    """Where a delivered record stands; unknown where it was sent again because the broker's first answer was lost."""
    offset = message.offset()
    return UNKNOWN_OFFSET if offset is None else offset


def delivery_seconds(settings: Settings) -> float:
    """How long a record is tried: well within the slack, beyond which the broker would refuse it for its age."""
    return min(MAX_DELIVERY_SECONDS, settings.record_slack_seconds / 2)


def producer_config(settings: Settings) -> dict[str, Any]:
    """The configuration of every producer of load."""
    return {
        "bootstrap.servers": settings.kafka_bootstrap,
        "enable.idempotence": True,
        "acks": "all",
        "partitioner": "murmur2_random",
        "linger.ms": LINGER_MS,
        "queue.buffering.max.messages": MAX_QUEUED_MESSAGES,
        "queue.buffering.max.kbytes": MAX_QUEUED_KILOBYTES,
        "message.timeout.ms": int(delivery_seconds(settings) * 1000),
        "reconnect.backoff.max.ms": 1000,
        "socket.nagle.disable": True,
        "log_level": 2,
    }


class Publisher:
    """One producer on the events topic of a running stack."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._topic = settings.events_topic
        self._slack_ms = settings.record_slack_seconds * 1000 - MAX_AHEAD_MS
        self._producer = Producer(producer_config(settings))
        self._mailbox = _Mailbox()
        self._answered = self._mailbox.callback()
        self._fatal = ""
        self.canaries_failed = 0

    def partitions(self) -> int:
        """Partitions of the topic. Raises BrokerUnavailable when the broker or the topic isn't there."""
        where = self._settings.kafka_bootstrap
        try:
            topic = self._producer.list_topics(self._topic, METADATA_TIMEOUT_SECONDS).topics[self._topic]
        except KafkaException as error:
            raise BrokerUnavailable(f"Kafka at {where}: {error}; is the stack up?") from error
        if topic.error is not None:
            raise BrokerUnavailable(f"topic {self._topic} at {where}: {topic.error}; `adctr up` creates it")
        return len(topic.partitions)

    def send(
        self, values: Sequence[bytes], keys: Sequence[bytes], partitions: Sequence[int], record_time_ms: int
    ) -> None:
        """Hands over events with one record time; those that the local queue has no room for fail at once.

        So do those that the producer refuses, see `require_usable`. Raises LoadRefused when a live topic would not take
        the record time.
        """
        if not self._settings.historic:
            self._refuse_old(record_time_ms)
        # Positional arguments: keywords cost half as much again, and `produce_batch` looks six of them up per event.
        produce, topic, answered = self._producer.produce, self._topic, self._answered
        for value, key, partition in zip(values, keys, partitions, strict=True):
            try:
                produce(topic, value, key, partition, answered, None, record_time_ms)
            except BufferError:
                self._mailbox.failed.append((value, QUEUE_FULL))
            except KafkaException as error:
                self._refused(value, error)

    def send_patiently(
        self, values: Sequence[bytes], keys: Sequence[bytes], partitions: Sequence[int], record_times_ms: Sequence[int]
    ) -> None:
        """Hands over events with record times of their own, and waits for room: not for open loop."""
        produce, topic, answered = self._producer.produce, self._topic, self._answered
        for value, key, partition, time_ms in zip(values, keys, partitions, record_times_ms, strict=True):
            while True:
                try:
                    produce(topic, value, key, partition, answered, None, time_ms)
                    break
                except BufferError:
                    self._producer.poll(0.1)
                except KafkaException as error:
                    self._refused(value, error)
                    break

    def send_canary(self, value: bytes, key: bytes, partition: int, record_time_ms: int) -> None:
        """A record that is no part of the run; its failure shows in ``canaries_failed``."""
        try:
            self._producer.produce(self._topic, value, key, partition, self._canary_answered, timestamp=record_time_ms)
        except KafkaException as error:
            raise BrokerUnavailable(
                f"Kafka at {self._settings.kafka_bootstrap}: {error.args[0].str()}; start the load again"
            ) from error

    def require_usable(self) -> None:
        """Raises BrokerUnavailable when the producer has refused an event and will refuse every other one as well."""
        if self._fatal:
            raise BrokerUnavailable(f"Kafka at {self._settings.kafka_bootstrap}: {self._fatal}; start the load again")

    def poll(self, seconds: float = 0.0) -> None:
        """Takes in answers that have come, or the first that comes in time."""
        self._producer.poll(seconds)

    def take_answers(self) -> Answers:
        """The answers since the last call."""
        return self._mailbox.take()

    def answers_waiting(self) -> int:
        """How many `take_answers` would return."""
        return len(self._mailbox)

    def outstanding(self) -> int:
        """Records without an answer yet."""
        return len(self._producer)

    def _refused(self, value: bytes, error: KafkaException) -> None:
        cause = error.args[0]
        self._mailbox.failed.append((value, -abs(cause.code())))
        if cause.code() != KafkaError.MSG_SIZE_TOO_LARGE:  # the only refusal that is about one event
            self._fatal = self._fatal or cause.str()

    def _canary_answered(self, error: KafkaError | None, _message: Message) -> None:
        self.canaries_failed += error is not None

    def _refuse_old(self, record_time_ms: int) -> None:
        behind_ms = time.time_ns() // 1_000_000 - record_time_ms
        if behind_ms > self._slack_ms:
            raise LoadRefused(
                f"record time {record_time_ms} ms is {behind_ms / 1000:.0f} s old: a live topic takes at most "
                f"{self._slack_ms / 1000:.0f} s; start the stack with `adctr up --historic` for old records"
            )
