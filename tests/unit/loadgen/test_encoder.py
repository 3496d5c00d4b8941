"""The fast encoder makes exactly the bytes of the contract's codec."""

from __future__ import annotations

import numpy as np
import pytest

from loadgen.encoder import Encoder, event_id, seq_of_value, seqs_of_values, user_id
from loadgen.errors import LoadRefused
from loadgen.generator import Batch, Generator, place
from loadgen.pacer import SteadyPacer
from loadgen.population import Population, make_population
from loadgen.profiles import Profile
from pipeline.contract.codec import SCHEMA_TEXT, AdEvent, Decoder, encode

RUN_ID, SCHEMA_ID = "0a1b2c3d", 77
START_NS = 1_700_000_000_000_000_000


def _event(population: Population, batch: Batch, index: int) -> AdEvent:
    row = batch.rows[index]
    campaign, impression = int(row["campaign"]), int(batch.impression[index])
    placement, device = place(int(batch.where[index]))
    return AdEvent(
        event_id=event_id(RUN_ID, int(row["seq"])),
        event_type=("IMPRESSION", "CLICK")[row["type"]],
        event_time=int(row["event_time_ms"]),
        user_id=user_id(int(batch.user[index])),
        ad_id=population.ads[batch.ad[index]],
        campaign_id=population.campaigns[campaign],
        category=population.categories[population.campaign_category[campaign]],
        placement=placement,
        device=device,
        impression_id=None if impression < 0 else event_id(RUN_ID, impression),
    )


def test_every_byte_is_as_the_codec_has_it() -> None:
    """3,000 events with clicks and disorder; their numbers grow from one digit to four within batches."""
    population = make_population(1, 30, 1.0)
    profile = Profile("all", campaigns=30, late_fraction=0.1, out_of_order_fraction=0.1, invalid_fraction=0.1)
    generator = Generator(population, profile, SteadyPacer(500, 6), 1, START_NS, 600)
    encoder, decoder = Encoder(population, RUN_ID, SCHEMA_ID), Decoder({SCHEMA_ID: SCHEMA_TEXT}.__getitem__)
    clicks, seqs = 0, []
    while (batch := generator.next_batch()) is not None:
        for index, value in enumerate(encoder.encode(batch)):
            event = _event(population, batch, index)
            assert value == encode(event, SCHEMA_ID)
            assert decoder.decode(value) == event
            assert seq_of_value(value) == batch.rows["seq"][index]
            clicks += event.event_type == "CLICK"
        seqs += seqs_of_values(encoder.encode(batch)).tolist()
    assert seqs == list(range(3_000))
    assert clicks > 10


@pytest.mark.parametrize("event_time_ms", [1 << 34, (1 << 41) - 1])
def test_the_first_and_the_last_event_time(event_time_ms: int) -> None:
    """The bounds between which event_time has six bytes."""
    population, batch = _one_event(event_time_ms)
    assert Encoder(population, RUN_ID, SCHEMA_ID).encode(batch) == [encode(_event(population, batch, 0), SCHEMA_ID)]


@pytest.mark.parametrize("event_time_ms", [(1 << 34) - 1, 1 << 41])
def test_event_times_of_another_width_are_refused(event_time_ms: int) -> None:
    """Rather than encoded wrongly."""
    population, batch = _one_event(event_time_ms)
    with pytest.raises(LoadRefused, match="2039"):
        Encoder(population, RUN_ID, SCHEMA_ID).encode(batch)


def _one_event(event_time_ms: int) -> tuple[Population, Batch]:
    population = make_population(1, 1, 1.0)
    generator = Generator(population, Profile("one", campaigns=1), SteadyPacer(1, 1), 1, START_NS, 600)
    batch = generator.next_batch()
    assert batch is not None
    batch.rows["event_time_ms"] = np.int64(event_time_ms)
    return population, batch


def test_numbers_are_read_from_values_of_any_size() -> None:
    """A replayed log may have events of hardly any bytes, beside long ones; none at all have no numbers."""
    short = [encode(AdEvent(f"{RUN_ID}-{seq}", "CLICK", 2**34, "", "", "c", "k", "", ""), 1) for seq in (7, 123_456)]
    long = [encode(AdEvent(f"{RUN_ID}-9999999999", "CLICK", 2**34, "u" * 300, "", "c", "k"), 1)]
    assert seqs_of_values(short).tolist() == [7, 123_456]
    assert seqs_of_values(short + long).tolist() == [7, 123_456, 9_999_999_999]
    assert seqs_of_values([]).tolist() == []
