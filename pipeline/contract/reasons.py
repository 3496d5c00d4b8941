"""Why a record is no counted event, as codes: the one list for the jobs, the codec, the rules and reconciliation.

A reason is ``<code>: <words>``. The words are for people, and the jobs may put them another way; the code is compared.
Java has those that the bytes alone decide, in ``adctr.flink.Reason``; a test compares the two lists.
"""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """In the order in which the rules are asked: the first that applies is the reason."""

    NOT_FRAMED = "not_framed"
    """The value does not begin with Confluent's header."""
    SCHEMA_UNKNOWN = "schema_unknown"
    """The registry has no schema under the id."""
    SCHEMA_UNUSABLE = "schema_unusable"
    """What it has is no Avro schema by which a value could be read."""
    NOT_AN_EVENT = "not_an_event"
    """The value, read by its writer's schema, is no ad event, or a field is out of bounds."""
    FALSE_CANARY = "false_canary"
    """It is named like a canary and is none."""
    RECORD_TIME = "record_time"
    """No store can hold the record time."""
    EVENT_TIME_AHEAD = "event_time_ahead"
    """The event time is too far ahead of the record time."""
    LATE = "late"
    """The event time is too far behind the record time: a late event, no dead letter."""

    def of(self, words: str) -> str:
        """The reason with its words."""
        return f"{self}: {words}"

    @classmethod
    def in_text(cls, text: str) -> Reason | None:
        """The code of a reason; None where it has none, as in letters of versions before there were codes."""
        try:
            return cls(text.partition(":")[0])
        except ValueError:
            return None


OF_BYTES = (Reason.NOT_FRAMED, Reason.SCHEMA_UNKNOWN, Reason.SCHEMA_UNUSABLE, Reason.NOT_AN_EVENT)
"""Those that the value and its writer's schema decide."""
