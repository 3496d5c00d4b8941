"""What ends a load before or while it runs, with a message for whoever asked for it."""

from __future__ import annotations


class LoadRefused(ValueError):
    """The load can't work as asked for; the message says what is allowed."""


class BrokerUnavailable(Exception):
    """Kafka or the Schema Registry doesn't answer."""
