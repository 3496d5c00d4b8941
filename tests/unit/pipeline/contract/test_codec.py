"""The codec: framing, schema resolution, and whose fault an undecodable record is."""

from __future__ import annotations

import json

import pytest

from pipeline.contract.codec import (
    SCHEMA_TEXT,
    AdEvent,
    DecodeError,
    Decoder,
    RegistryUnavailable,
    UnknownSchemaId,
    encode,
)

CLICK = AdEvent(
    event_id="run1-7",
    event_type="CLICK",
    event_time=1_700_000_000_123,
    user_id="user-9",
    ad_id="ad-3",
    campaign_id="cmp-0001",
    category="travel",
    placement="feed",
    device="mobile",
    impression_id="run1-6",
)


class Registry:
    """Schemas by id; counts how often it is asked, and can be down."""

    def __init__(self, schemas: dict[int, str]) -> None:
        self.schemas = schemas
        self.asked: list[int] = []
        self.down = False

    def fetch(self, schema_id: int) -> str:
        """What RegistrySchemas.fetch promises."""
        self.asked.append(schema_id)
        if self.down:
            raise RegistryUnavailable("down")
        if schema_id not in self.schemas:
            raise UnknownSchemaId(f"unknown schema id {schema_id}")
        return self.schemas[schema_id]


def test_the_bytes_of_an_event() -> None:
    """Magic byte, id, then each field: a consumer in another language can follow this one."""
    impression = AdEvent("a", "IMPRESSION", 1, "u", "ad", "c", "k", "p", "d")
    assert encode(impression, 258) == (
        b"\x00\x00\x00\x01\x02"  # magic byte, schema id 258
        b"\x02a"  # event_id: length 1 (zigzag 2)
        b"\x00"  # event_type: index 0
        b"\x02"  # event_time: 1
        b"\x02u\x04ad\x02c\x02k\x02p\x02d"
        b"\x00"  # impression_id: branch 0, null
    )


def test_what_is_encoded_comes_back() -> None:
    """Encode and decode are inverse."""
    assert Decoder({5: SCHEMA_TEXT}.__getitem__).decode(encode(CLICK, 5)) == CLICK


@pytest.mark.parametrize(("field", "value"), [("event_type", "VIEW"), ("event_time", "now"), ("user_id", None)])
def test_a_field_that_does_not_fit_is_not_encoded(field: str, value: object) -> None:
    """A producer's mistake raises at the producer."""
    values = {name: getattr(CLICK, name) for name in AdEvent._fields}
    with pytest.raises((ValueError, TypeError)):
        encode(AdEvent(**{**values, field: value}), 1)


def _evolved(**changes: object) -> str:
    schema = json.loads(SCHEMA_TEXT)
    schema["fields"] = [field for field in schema["fields"] if field["name"] != changes.get("without")]
    if "extra" in changes:
        schema["fields"].append({"name": "price", "type": ["null", "double"], "default": None})
    return json.dumps(schema)


def test_a_field_that_a_newer_producer_adds_is_skipped() -> None:
    """The writer's schema has one field more, at the end: a union of null and double."""
    value = encode(CLICK, 2) + b"\x02" + b"\x00" * 8
    assert Decoder({2: _evolved(extra=True)}.__getitem__).decode(value) == CLICK


def test_a_field_that_an_older_producer_lacks_takes_its_default() -> None:
    """Without impression_id (one union index and a string of 6 bytes and its length)."""
    value = encode(CLICK, 3)[: -(1 + 1 + 6)]
    event = Decoder({3: _evolved(without="impression_id")}.__getitem__).decode(value)
    assert (event.event_id, event.impression_id) == ("run1-7", None)


def test_a_writer_without_a_required_field_is_undecodable() -> None:
    """user_id has no default, so no event can be made."""
    value = encode(CLICK, 4)
    with pytest.raises(DecodeError):
        Decoder({4: _evolved(without="user_id")}.__getitem__).decode(value)


def test_an_enum_symbol_that_we_do_not_know_is_undecodable() -> None:
    """A newer producer's VIEW (index 2) has no meaning here, and no default."""
    schema = json.loads(SCHEMA_TEXT)
    schema["fields"][1]["type"]["symbols"].append("VIEW")
    raw = bytearray(encode(CLICK, 6))
    position = raw.index(b"run1-7") + len(b"run1-7")
    decoder = Decoder({6: json.dumps(schema)}.__getitem__)
    assert decoder.decode(bytes(raw)) == CLICK
    raw[position] = 4
    with pytest.raises(DecodeError, match="VIEW"):
        decoder.decode(bytes(raw))


def test_a_registry_that_is_down_condemns_nothing() -> None:
    """The same bytes decode once the registry is back."""
    registry = Registry({1: SCHEMA_TEXT})
    registry.down = True
    decoder = Decoder(registry.fetch)
    with pytest.raises(RegistryUnavailable):
        decoder.decode(encode(CLICK, 1))
    registry.down = False
    assert decoder.decode(encode(CLICK, 1)) == CLICK


def test_an_unknown_id_is_asked_for_once_in_a_batch() -> None:
    """A flood of one bad id costs one call; the next batch may bring a record that was sent after it was registered."""
    registry = Registry({})
    decoder = Decoder(registry.fetch)
    with decoder.batch():
        for _ in range(3):
            with pytest.raises(DecodeError, match="unknown schema id 9"):
                decoder.decode(encode(CLICK, 9))
    assert registry.asked == [9]
    registry.schemas[9] = SCHEMA_TEXT
    with decoder.batch():
        assert decoder.decode(encode(CLICK, 9)) == CLICK


def test_outside_a_batch_every_record_is_one_that_has_just_arrived() -> None:
    """The id is registered right after it was unknown, and the very next record is good."""
    registry = Registry({})
    decoder = Decoder(registry.fetch)
    with pytest.raises(DecodeError, match="unknown schema id 9"):
        decoder.decode(encode(CLICK, 9))
    registry.schemas[9] = SCHEMA_TEXT
    assert decoder.decode(encode(CLICK, 9)) == CLICK


@pytest.mark.parametrize("text", ['{"type": "strange"}', '"string"', "no JSON", '{"type": "record"}'])
def test_a_schema_that_cannot_be_used_makes_its_records_undecodable(text: str) -> None:
    """It is registered, so the answer is final: the records of such a producer are dead letters."""
    registry = Registry({8: text})
    decoder = Decoder(registry.fetch)
    for _ in range(2):
        with pytest.raises(DecodeError):
            decoder.decode(encode(CLICK, 8))
    assert registry.asked == [8]


@pytest.mark.parametrize("schema_id", [0, -1, -2_000_000_000])
def test_ids_below_one_exist_nowhere(schema_id: int) -> None:
    """The registry isn't even asked: some answer such ids with an error of their own."""
    registry = Registry({})
    with pytest.raises(DecodeError, match="unknown schema id"):
        Decoder(registry.fetch).decode(encode(CLICK, schema_id))
    assert registry.asked == []
