"""Single records onto the events topic, with the origin that each gets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from confluent_kafka import Producer

from pipeline.settings import Settings

Origin = tuple[int, int]


@dataclass(frozen=True)
class Record:
    """What is to be sent; ``partition`` is chosen, so that tests know where to look."""

    value: bytes | None
    record_time_ms: int
    partition: int = 1
    key: bytes = b"test"


def send(settings: Settings, records: Iterable[Record]) -> list[Origin]:
    """Sends records in order; all are acknowledged."""
    producer = Producer({"bootstrap.servers": settings.kafka_bootstrap, "enable.idempotence": True})
    origins: list[Origin] = []

    def remember(error: object, message: object) -> None:
        assert error is None, error
        origins.append((message.partition(), message.offset()))  # type: ignore[attr-defined]

    sent = 0
    for record in records:
        producer.produce(
            settings.events_topic,
            record.value,
            record.key,
            record.partition,
            remember,
            timestamp=record.record_time_ms,
        )
        producer.flush(30)
        sent += 1
    assert len(origins) == sent
    return origins
