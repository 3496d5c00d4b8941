"""A producer that fails for good in the middle of a run, which librdkafka offers no way to have."""

from __future__ import annotations

from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer


class DyingProducer:
    """Hands the first events over to a real producer and then has a fatal error."""

    takes = 2

    def __init__(self, config: dict[str, Any]) -> None:
        self._real = Producer(config)
        self._left = self.takes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def __len__(self) -> int:
        return len(self._real)

    def produce(self, *arguments: Any, **named: Any) -> None:
        """The real one's, a few times."""
        if not self._left:
            raise KafkaException(KafkaError(KafkaError._FATAL, "Local: Fatal error"))
        self._left -= 1
        self._real.produce(*arguments, **named)
