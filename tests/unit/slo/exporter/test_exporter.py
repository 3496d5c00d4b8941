"""The exporter's HTTP side, with a real Redis and no other service."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import psutil
import pytest
import requests

from pipeline.contract.cache_schema import retention_key
from pipeline.settings import Settings
from slo.exporter.buckets import USUAL_EDGES_SECONDS
from slo.exporter.comparison_process import NotCompared
from slo.exporter.exporter import Exporter
from slo.probes.clients import redis_client
from slo.probes.redis_server import RedisServer
from tests.integration.waiting import eventually

EVERY = 0.1
NOT_COMPARED = "adctr_count_comparison_failures_total 1.0"


def comparing() -> list[psutil.Process]:
    """The processes that compare for this one."""
    return [each for each in psutil.Process().children() if "slo.exporter.comparison_process" in each.cmdline()]


def scrape(exporter: Exporter, *wanted: str) -> str:
    """The page, as soon as all wanted texts are in it."""
    for _ in range(100):
        page = requests.get(f"http://127.0.0.1:{exporter.port}/metrics", timeout=2).text
        if all(text in page for text in wanted):
            return page
        time.sleep(0.05)
    raise AssertionError(f"{wanted} not in\n{page}")


def test_metrics_are_served_while_the_block_lasts(redis_settings: Settings) -> None:
    before = threading.active_count()
    with Exporter(redis_settings, [RedisServer(redis_settings)], USUAL_EDGES_SECONDS, port=0) as exporter:
        page = scrape(exporter, "adctr_redis_keys 0.0", "adctr_redis_memory_bytes", "adctr_ceiling_redis_memory_bytes")
        assert 'adctr_probe_failures_total{probe="redis_server"} 0.0' in page
    with pytest.raises(requests.ConnectionError):
        requests.get(f"http://127.0.0.1:{exporter.port}/metrics", timeout=2)
    assert threading.active_count() == before


def test_the_retention_in_force_stands_beside_the_setting(redis_settings: Settings) -> None:
    with Exporter(redis_settings, [], USUAL_EDGES_SECONDS, port=0) as exporter:
        scrape(exporter, "adctr_cache_retention_seconds 1800.0", "adctr_cache_longest_retention_seconds 1800.0")
        with redis_client(redis_settings) as client:
            client.hset(retention_key(), mapping={"seconds": 1260, "kept_from": 0})
        scrape(exporter, "adctr_cache_retention_seconds 1260.0", "adctr_cache_longest_retention_seconds 1800.0")


def test_it_listens_where_it_is_told(redis_settings: Settings) -> None:
    """On one address alone; every address of 127.0.0.0/8 is this machine."""
    with Exporter(redis_settings, [], USUAL_EDGES_SECONDS, port=0, host="127.0.0.2") as exporter:
        assert requests.get(f"http://127.0.0.2:{exporter.port}/metrics", timeout=2).ok
        with pytest.raises(requests.ConnectionError):
            requests.get(f"http://127.0.0.1:{exporter.port}/metrics", timeout=2)


def test_a_redis_that_is_away_is_a_failure_and_no_value() -> None:
    nobody = Settings(redis_port=1)
    with Exporter(nobody, [RedisServer(nobody)], USUAL_EDGES_SECONDS, port=0) as exporter:
        page = scrape(exporter, 'adctr_probe_failures_total{probe="redis_server"} 1.0')
    assert "adctr_redis_memory_bytes" not in page
    assert "adctr_cache_retention_seconds" not in page


def test_a_comparison_that_raises_does_not_end_the_ones_after_it(redis_settings: Settings) -> None:
    """The first finds nothing, the second has a bug, the third finds two differences."""
    turns: Iterator[int | Exception] = iter([0, ZeroDivisionError("a bug"), 2])

    def compare(_settings: Settings, stop: threading.Event) -> int:
        found = next(turns, None)
        if isinstance(found, Exception):
            raise found
        if found is None:
            stop.wait()
            raise NotCompared("the exporter ends")
        return found

    with Exporter(redis_settings, [], USUAL_EDGES_SECONDS, 0, verify_every_seconds=EVERY, compare=compare) as exporter:
        page = scrape(exporter, "adctr_count_differences 2.0")
    assert NOT_COMPARED in page
    assert "adctr_count_comparison_success_timestamp_seconds" in page


def test_a_comparison_without_kafka_is_a_failure_and_no_zero(redis_settings: Settings) -> None:
    """In the real process, which says why in its log."""
    nobody = replace(
        redis_settings, kafka_bootstrap="127.0.0.1:1", postgres_port=1, schema_registry_url="http://127.0.0.1:1"
    )
    with Exporter(nobody, [], USUAL_EDGES_SECONDS, 0, verify_every_seconds=3600) as exporter:
        eventually("the comparison fails", lambda: NOT_COMPARED in scrape(exporter, "adctr_count_comparison"), 120.0)
        assert "adctr_count_differences" not in scrape(exporter)


def test_a_comparison_whose_process_is_killed_is_a_failure(redis_settings: Settings) -> None:
    """As the kernel does where memory is short; the exporter answers on."""
    with Exporter(redis_settings, [], USUAL_EDGES_SECONDS, 0, verify_every_seconds=3600) as exporter:
        eventually("it compares", lambda: bool(comparing()), 30.0)
        for child in comparing():
            child.kill()
        eventually("the comparison fails", lambda: NOT_COMPARED in scrape(exporter, "adctr_count_comparison"), 60.0)


def test_a_comparison_ends_with_the_exporter(redis_settings: Settings) -> None:
    with Exporter(redis_settings, [], USUAL_EDGES_SECONDS, 0, verify_every_seconds=3600):
        eventually("it compares", lambda: bool(comparing()), 30.0)
    assert comparing() == []
