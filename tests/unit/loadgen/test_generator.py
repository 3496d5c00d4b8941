"""The stream of events: clicks follow impressions, flags keep their promise, the seed decides."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from loadgen.generator import Batch, Generator
from loadgen.ledger import CLICK, INVALID, LATE, OUT_OF_ORDER, Events
from loadgen.pacer import SECOND_NS, CurvePacer, SteadyPacer
from loadgen.population import make_population
from loadgen.profiles import Profile, find_profile
from loadgen.rate_curve import RateCurve, RatePoint
from pipeline.contract.rules import Fate, fate_of_valid

START_NS = 1_700_000_000_000_000_000
LATENESS_SECONDS = 600


def _run(profile: Profile, rate: float, seconds: float, seed: int = 1) -> tuple[Events, npt.NDArray[np.int64]]:
    population = make_population(
        seed, profile.campaigns, profile.zipf_exponent, profile.hot_share, profile.ads_per_campaign
    )
    generator = Generator(population, profile, SteadyPacer(rate, seconds), seed, START_NS, LATENESS_SECONDS)
    batches: list[Batch] = []
    while (batch := generator.next_batch()) is not None:
        batches.append(batch)
    return np.concatenate([batch.rows for batch in batches]), np.concatenate([batch.impression for batch in batches])


STEADY = Profile("steady")
DISORDER = Profile("disorder", late_fraction=0.02, out_of_order_fraction=0.2, invalid_fraction=0.05)


def test_numbers_and_times_follow_the_schedule() -> None:
    """2,000 events/s for 5 s: numbers without a gap, intended times by the pacer, event time = intended time."""
    rows, _ = _run(STEADY, 2_000, 5)
    assert rows["seq"].tolist() == list(range(10_000))
    assert np.array_equal(rows["intended_ns"], START_NS + SteadyPacer(2_000, 5).offsets_ns(0, 10_000))
    assert np.array_equal(rows["event_time_ms"], rows["intended_ns"] // 1_000_000)


def test_the_seed_decides() -> None:
    """Same seed, same events; another seed, others."""
    first, again, other = (_run(DISORDER, 1_000, 5, seed)[0] for seed in (4, 4, 5))
    assert np.array_equal(first, again)
    assert not np.array_equal(first["campaign"], other["campaign"])


def test_a_click_trails_its_impression() -> None:
    """By 1 to 15 s, in the same campaign, and no impression is clicked twice."""
    rows, impression = _run(STEADY, 5_000, 30)
    clicks = np.flatnonzero(rows["type"] == CLICK)
    shown = impression[clicks]
    delay = (rows["intended_ns"][clicks] - rows["intended_ns"][shown]) / SECOND_NS
    assert len(clicks) > 1_000
    assert (rows["type"][shown] != CLICK).all()
    assert len(set(shown.tolist())) == len(shown)
    assert delay.min() >= 1.0
    assert delay.max() < 15.1
    assert np.array_equal(rows["campaign"][clicks], rows["campaign"][shown])
    assert (impression[rows["type"] != CLICK] == -1).all()


def test_a_slow_load_has_clicks_in_time_as_well() -> None:
    """At 2 events/s a batch is one event: a click waits for the next place only."""
    rows, impression = _run(Profile("games", campaigns=1), 2, 3_000)
    clicks = np.flatnonzero(rows["type"] == CLICK)
    delay = (rows["intended_ns"][clicks] - rows["intended_ns"][impression[clicks]]) / SECOND_NS
    assert len(clicks) > 0
    assert delay.max() < 17


def test_ctr_differs_by_category() -> None:
    """Each campaign's clicks per impression come near its category's CTR."""
    rows, _ = _run(Profile("few", campaigns=8, zipf_exponent=0.0), 20_000, 40)
    population = make_population(1, 8, 0.0)
    counts = np.zeros((8, 2))
    np.add.at(counts, (rows["campaign"], rows["type"]), 1)
    assert np.allclose(counts[:, 1] / counts[:, 0], population.campaign_ctr, rtol=0.25)
    assert len(set(population.campaign_ctr.tolist())) == 8


def test_flags_are_true_by_the_record_alone() -> None:
    """Whether it is sent on time or two minutes behind its schedule, each event has the fate of its flag."""
    rows, _ = _run(DISORDER, 2_000, 10)
    for row in rows[::7]:
        for behind_ms in (0, 120_000):
            record_time_ms = int(row["intended_ns"]) // 1_000_000 + behind_ms
            fate = fate_of_valid(int(row["event_time_ms"]), record_time_ms, LATENESS_SECONDS)
            expected = {LATE: Fate.LATE, INVALID: Fate.INVALID}.get(int(row["flags"]), Fate.COUNTED)
            assert fate == expected


def test_fractions_are_met() -> None:
    """2 % late, 20 % out of order, 5 % invalid."""
    rows, _ = _run(DISORDER, 5_000, 20)
    shares = [float((rows["flags"] == flag).mean()) for flag in (LATE, OUT_OF_ORDER, INVALID)]
    assert np.allclose(shares, [0.02, 0.2, 0.05], rtol=0.1)


def test_a_duplicate_repeats_the_event_before_it() -> None:
    """Of 20,000 sends about 5 % have the number, campaign, type and time of the one before, at their own send time."""
    rows, _ = _run(Profile("twice", duplicate_fraction=0.05), 4_000, 5)
    again = np.flatnonzero(np.diff(rows["seq"].astype(np.int64)) == 0) + 1
    assert 900 < len(again) < 1_100
    assert rows["seq"].tolist() == sorted(rows["seq"].tolist())
    assert int(rows["seq"][-1]) == 20_000 - len(again) - 1
    for name in ("campaign", "type", "flags", "event_time_ms"):
        assert np.array_equal(rows[name][again], rows[name][again - 1])
    assert np.array_equal(rows["intended_ns"], START_NS + SteadyPacer(4_000, 5).offsets_ns(0, 20_000))


def test_a_hot_campaign_gets_its_share() -> None:
    """Half of all, whatever its rank says."""
    rows, _ = _run(find_profile("hot_campaign"), 5_000, 4)
    assert abs(float((rows["campaign"] == 0).mean()) - 0.5) < 0.02


def test_the_yahoo_mix() -> None:
    """100 campaigns of 10 ads, all alike; a view of three is an impression, and clicks belong to none."""
    rows, impression = _run(find_profile("yahoo"), 5_000, 6)
    assert abs(float((rows["type"] == CLICK).mean()) - 2 / 3) < 0.01
    assert (impression == -1).all()
    counts = np.bincount(rows["campaign"], minlength=100)
    assert (counts.min(), counts.max()) > (200, 300)
    assert counts.max() < 400
    population = make_population(1, 100, 0.0, None, 10)
    assert set(population.ad_count.tolist()) == {10}


def test_a_batch_never_spans_the_shortest_click_delay() -> None:
    """Even where the rate falls a hundredfold within the run: clicks still come in time."""
    curve = RateCurve((RatePoint(0, 10), RatePoint(5, 10), RatePoint(5, 0.1)))
    profile = Profile("games", campaigns=1, curve=curve)
    population = make_population(1, 1, 1.0)
    generator = Generator(population, profile, CurvePacer(1_000, 60, curve), 1, START_NS, LATENESS_SECONDS)
    while (batch := generator.next_batch()) is not None:
        spans = int(batch.rows["intended_ns"][-1] - batch.rows["intended_ns"][0])
        assert spans <= SECOND_NS // 4
