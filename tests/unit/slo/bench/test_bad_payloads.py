"""Each kind of bad payload is bad, by the contract's own rules, and stays so beside any neighbour."""

from __future__ import annotations

import pytest

from pipeline.contract.codec import SCHEMA_TEXT, AdEvent, Decoder, UnknownSchemaId, encode
from pipeline.contract.rules import Fate, classify
from slo.bench.bad_payloads import KINDS

NOW_MS = 1_767_268_800_000
EVENT = AdEvent("b1767268800000-17", "IMPRESSION", NOW_MS, "user", "ad", "bench-1", "category-1")


def fetch(schema_id: int) -> str:
    if schema_id != 1:
        raise UnknownSchemaId(str(schema_id))
    return SCHEMA_TEXT


def test_there_are_more_than_fifteen() -> None:
    assert len(KINDS) >= 16


@pytest.mark.parametrize("kind", KINDS)
def test_a_spoilt_event_is_invalid_and_the_good_one_counts(kind: str) -> None:
    good = encode(EVENT, 1)
    bad = KINDS[kind](EVENT, good)
    decoder = Decoder(fetch)
    assert classify(good, NOW_MS, decoder, 600)[0] is Fate.COUNTED
    assert bad != good
    assert classify(bad, NOW_MS, decoder, 600)[0] is Fate.INVALID


def test_no_two_kinds_are_the_same() -> None:
    good = encode(EVENT, 1)
    assert len({spoil(EVENT, good) for spoil in KINDS.values()}) == len(KINDS)
