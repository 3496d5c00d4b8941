"""Errors that end a load before or while it runs, each with a message for the user."""

from __future__ import annotations


class LoadRefused(ValueError):
    """The load can't work as asked for; the message says what is allowed."""


class BrokerUnavailable(Exception):
    """Kafka or the Schema Registry doesn't answer."""
