"""What PyFlink's peer makes of a record's value."""

from __future__ import annotations

import pytest

from pipeline.contract.codec import SCHEMA_TEXT, AdEvent, encode
from slo.bench.peers.pyflink_datastream import decoded, without_logical_types


@pytest.mark.parametrize(("event_type", "is_click"), [("IMPRESSION", False), ("CLICK", True)])
def test_what_is_counted_of_a_record(event_type: str, is_click: bool) -> None:
    """The time stays a number: behind the framing of schema 7, milliseconds since the epoch."""
    event = AdEvent("e", event_type, 1_764_000_000_123, "u", "a", "campaign", "food")
    schema = without_logical_types(SCHEMA_TEXT)
    assert decoded(encode(event, 7), schema) == ("campaign", "food", 1_764_000_000_123, is_click)
