"""A run in parts: together they are the run."""

from __future__ import annotations

import numpy as np

from loadgen.pacer import SteadyPacer
from loadgen.population import make_population
from loadgen.profiles import Profile
from loadgen.traffic import WHOLE, GeneratedTraffic, Part

START_NS = 1_700_000_000_000_000_000
PROFILE = Profile("few", campaigns=30, duplicate_fraction=0.1)


def _events(part: Part) -> list[tuple[int, bytes, bytes, int]]:
    """(intended time, value, key, partition) of all that a part sends."""
    traffic = GeneratedTraffic(PROFILE, 1, "0a1b2c3d", 7, 4, part)
    traffic.begin(SteadyPacer(2_000, 3), START_NS, 600)
    found = []
    while (prepared := traffic.next()) is not None:
        times = prepared.rows["intended_ns"].tolist()
        found += list(zip(times, prepared.values, prepared.keys, prepared.partitions, strict=True))
    return found


def test_the_parts_of_a_run_are_the_run() -> None:
    """Three processes send the very events, at the very times, that one would send; each campaign has one sender."""
    whole, parts = _events(WHOLE), [_events(Part(index, 3)) for index in range(3)]
    assert len(whole) == 6_000
    assert sorted(event for part in parts for event in part) == sorted(whole)
    senders = [{key for _, _, key, _ in part} for part in parts]
    assert not senders[0] & senders[1]
    assert not senders[2] & (senders[0] | senders[1])


def test_parts_send_about_as_much() -> None:
    """Of 200 campaigns with sizes like 1, 1/2, 1/3, … four processes get a quarter each, to a thousandth."""
    population = make_population(1, 200, 1.0)
    shares = np.diff(population.cumulative_share, prepend=0.0)
    loads = [float(shares[Part(index, 4).campaigns(population)].sum()) for index in range(4)]
    assert np.allclose(loads, 0.25, atol=0.001)
