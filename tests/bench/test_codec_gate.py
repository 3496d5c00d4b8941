"""Encoding and decoding of one event, held against their objectives."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.contract.codec import SCHEMA_TEXT, AdEvent, Decoder, encode

EVENT = AdEvent(
    event_id="6a1d2c3e-4f50-4a61-8b72-9c8d7e6f5a4b",
    event_type="IMPRESSION",
    event_time=1_764_000_000_000,
    user_id="user-0012345",
    ad_id="ad-000123",
    campaign_id="cmp-0042",
    category="electronics",
)


@pytest.mark.objective("codec_encode")
def test_encode(benchmark: Any) -> None:
    assert len(benchmark.pedantic(encode, args=(EVENT, 1), rounds=20_000, warmup_rounds=500, iterations=1)) > 50


@pytest.mark.objective("codec_decode")
def test_decode(benchmark: Any) -> None:
    decoder, record = Decoder(lambda _: SCHEMA_TEXT), encode(EVENT, 1)
    decoded = benchmark.pedantic(decoder.decode, args=(record,), rounds=20_000, warmup_rounds=500, iterations=1)
    assert decoded == EVENT
