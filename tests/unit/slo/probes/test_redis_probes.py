"""Probes that need nothing but a Redis, against a real one."""

from __future__ import annotations

import math
import time

import pytest
import redis

from pipeline.contract.cache_schema import categories_key, cells_key, complete_key, watermark_key
from pipeline.settings import Settings
from slo.probes.cache_reads import READS_PER_LOOK, TURNS, BareCacheReads, CacheReads, with_missed
from slo.probes.canaries import Canaries
from slo.probes.clients import redis_client
from slo.probes.probe import NEVER, Doubtful, Sample
from slo.probes.redis_server import RedisServer
from slo.spec.model import Indicator

NOON = int(time.time()) // 300 * 300


def values(probe: RedisServer) -> dict[Indicator, float]:
    return {sample.indicator: sample.value for sample in probe.look()}


def test_window_keys_without_a_ttl_are_found(redis_settings: Settings) -> None:
    """Two of 300; the watermarks, which never expire by design, are not meant."""
    client, probe = redis_client(redis_settings), RedisServer(redis_settings)
    client.set(watermark_key(60), 1)
    for number in range(300):
        client.hset(cells_key(60, number * 60), "a\0b", "1 0")
        if number not in (7, 200):
            client.expire(cells_key(60, number * 60), 600)
    found: list[float] = []
    for _ in range(8):
        seen = values(probe)
        found += [seen[Indicator.REDIS_KEYS_WITHOUT_TTL]] if Indicator.REDIS_KEYS_WITHOUT_TTL in seen else []
    assert found
    assert set(found) == {2.0}
    assert seen[Indicator.REDIS_KEYS] == 301.0
    assert seen[Indicator.REDIS_MEMORY] == pytest.approx(client.info("memory")["used_memory"], rel=0.2)
    probe.close()
    client.close()


def test_keys_without_a_ttl_are_told_by_each_look_however_long_a_scan_takes(redis_settings: Settings) -> None:
    """7,000 keys: at 100 a poll, a scan takes longer than the minute after which an exporter leaves a sample out."""
    client, probe = redis_client(redis_settings), RedisServer(redis_settings)
    with client.pipeline(transaction=False) as pipe:
        for number in range(7_000):
            pipe.hset(cells_key(60, number * 60), "a\0b", "1 0")
            pipe.expire(cells_key(60, number * 60), 3600)
        pipe.execute()
    client.persist(cells_key(60, 60))
    looks = [values(probe).get(Indicator.REDIS_KEYS_WITHOUT_TTL) for _ in range(150)]
    first = next(at for at, value in enumerate(looks) if value is not None)
    assert first <= 61
    assert set(looks[first:]) == {1.0}
    client.expire(cells_key(60, 60), 3600)
    assert [values(probe).get(Indicator.REDIS_KEYS_WITHOUT_TTL) for _ in range(130)][-1] == 0.0
    probe.close()
    client.close()


def test_evictions_are_told_once(redis_settings: Settings) -> None:
    """Memory for about half of 100 keys of 20 kB."""
    client, probe = redis_client(redis_settings), RedisServer(redis_settings)
    assert values(probe)[Indicator.REDIS_EVICTIONS] == 0.0
    before = int(client.info("stats")["evicted_keys"])
    client.config_set("maxmemory-policy", "allkeys-lru")
    client.config_set("maxmemory", client.info("memory")["used_memory"] + 1_000_000)
    try:
        for number in range(100):
            client.set(f"key-{number}", b"x" * 20_000)
    finally:
        client.config_set("maxmemory", 0)
    evicted = int(client.info("stats")["evicted_keys"]) - before
    assert evicted > 10
    assert values(probe)[Indicator.REDIS_EVICTIONS] == evicted
    assert values(probe)[Indicator.REDIS_EVICTIONS] == 0.0
    probe.close()
    client.close()


def test_a_redis_that_is_away_is_a_failed_look() -> None:
    probe = RedisServer(Settings(redis_port=1))
    with pytest.raises(redis.RedisError):
        probe.look()


@pytest.mark.parametrize("kind", [CacheReads, BareCacheReads])
def test_each_kind_of_read_is_timed(redis_settings: Settings, kind: type[CacheReads | BareCacheReads]) -> None:
    client, probe = redis_client(redis_settings), kind(redis_settings, clock=lambda: NOON + 30.0)
    client.set(watermark_key(60), (NOON + 25) * 1000)
    client.set(complete_key(), "test")
    client.hset(categories_key(60, NOON), "sports", "10 1")
    samples = [sample for _ in range(len(TURNS) // READS_PER_LOOK) for sample in probe.look()]
    assert {sample.indicator for sample in samples} == set(probe.indicators)
    assert len(samples) >= 80
    assert all(0 < sample.value < 0.5 for sample in samples)
    assert probe.notes() == {}
    probe.close()
    client.close()


def test_a_read_that_redis_did_not_answer_never_came(redis_settings: Settings) -> None:
    """Redis is empty and PostgreSQL away, so the read API raises; Redis itself answers a bare read."""
    nobody = Settings(redis_port=redis_settings.redis_port, postgres_port=1)
    probe = CacheReads(nobody, clock=lambda: NOON + 30.0)
    assert all(math.isnan(sample.value) for sample in probe.look())
    bare = BareCacheReads(nobody, clock=lambda: NOON + 30.0)
    assert all(sample.value > 0 for sample in bare.look())
    bare.close()
    assert probe.notes()["cache_reads_not_from_redis"] == 4
    assert "it is being restored" in str(probe.notes()["cache_read_last_reason"])
    probe.close()


def test_a_stall_counts_for_every_read_that_was_due_in_it() -> None:
    """A read at 100.0 took 0.18 s; those due at 100.05, 100.10 and 100.15 would have waited for the rest of it."""
    found = with_missed(Sample(Indicator.CACHE_READ, 100.0, 0.18), 0.18, 0.05)
    assert [(round(each.at, 2), round(each.value, 2)) for each in found] == [
        (100.0, 0.18),
        (100.05, 0.13),
        (100.1, 0.08),
        (100.15, 0.03),
    ]
    never = with_missed(Sample(Indicator.CACHE_READ, 100.0, NEVER), 0.11, 0.05)
    assert [math.isnan(each.value) for each in never] == [True, True, True]


def test_canaries_are_timed_from_the_second_that_they_were_due(redis_settings: Settings) -> None:
    """Four partitions; that of number 2 is a second behind the others."""
    now = [NOON + 0.0]
    client, probe = redis_client(redis_settings), Canaries(redis_settings, clock=lambda: now[0])
    assert list(probe.look()) == [], "nothing is visible yet"
    fields = {f"_canary-{partition}\0_canary": "1 0" for partition in (0, 1, 3)}
    client.hset(cells_key(60, NOON), mapping=fields)  # type: ignore[arg-type]
    now[0] = NOON + 0.25
    assert [(sample.at, sample.value) for sample in probe.look()] == [(NOON, 0.25)] * 3
    assert [sample.at for sample in probe.missing()] == [NOON]
    client.hset(cells_key(60, NOON), "_canary-2\0_canary", "1 0")
    now[0] = NOON + 1.25
    seen = [(sample.at, sample.value, sample.job, sample.lowest) for sample in probe.look()]
    assert seen == [(NOON, 1.25, "partition 2", 0.25)], "the poll before did not see it"
    assert len(list(probe.missing())) == 4
    assert (probe.void(), list(probe.doubtful())) == ("", [])
    assert probe.subjects() == ("partition 0", "partition 1", "partition 2", "partition 3")
    probe.close()
    client.close()


def test_a_minute_with_a_hole_is_doubtful_and_no_other(redis_settings: Settings) -> None:
    """Noon's minute is complete; in the next, partition 1 has 58 of 60. It is judged when nothing can come any more."""
    now = [NOON - 0.5]
    client, probe = redis_client(redis_settings), Canaries(redis_settings, clock=lambda: now[0])
    for start, counts in ((NOON, (60, 60, 60, 60)), (NOON + 60, (60, 58, 60, 60))):
        client.hset(
            cells_key(60, start),
            mapping={f"_canary-{partition}\0_canary": f"{count} 0" for partition, count in enumerate(counts)},
        )
    now[0] = NOON + 400.0
    client.set(watermark_key(60), (NOON + 239) * 1000)
    list(probe.look())
    assert list(probe.doubtful()) == []
    now[0] = NOON + 410.0
    client.set(watermark_key(60), (NOON + 240) * 1000)
    list(probe.look())
    assert list(probe.doubtful()) == [Doubtful("partition 1", NOON + 60.0, NOON + 120.0, 2.0)]
    assert probe.notes() == {"canaries_never_counted": 2}
    assert probe.void() == ""
    probe.close()
    client.close()
