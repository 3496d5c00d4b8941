"""The script through which everybody writes a window, on a real Redis: (revision, counts) never falls."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from pipeline.cache.cache_writer import CacheWriter, writer_client
from pipeline.contract.cache_schema import (
    Counts,
    categories_key,
    cell_field,
    cells_key,
    parse_counts,
    parse_revision,
    watermark_key,
)
from pipeline.settings import Settings
from tests.integration.redis_servers import RedisServer

START = int(time.time()) // 60 * 60
SHOES, BOOTS = ("shoes", "sports"), ("boots", "sports")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = RedisServer(port, Path(tmp_path_factory.mktemp("redis")))
    yield Settings(redis_port=port)
    server.kill()


@pytest.fixture
def client(settings: Settings) -> Iterator[redis.Redis]:
    client = writer_client(settings)
    client.flushall()
    yield client
    client.close()


@pytest.fixture
def writer(client: redis.Redis) -> CacheWriter:
    return CacheWriter(client, 1800)


def held(client: redis.Redis) -> tuple[bytes, bytes]:
    """Shoes' value, and the sums of its category."""
    cell = client.hget(cells_key(60, START), cell_field(*SHOES))  # type: ignore[arg-type]
    return cell, client.hget(categories_key(60, START), "sports")  # type: ignore[return-value]


def test_within_a_revision_each_count_only_rises(client: redis.Redis, writer: CacheWriter) -> None:
    story = ((Counts(3, 1), b"3 1"), (Counts(2, 2), b"3 2"), (Counts(0, 0), b"3 2"), (Counts(4, 0), b"4 2"))
    for counts, expected in story:
        assert writer.raise_window(60, START, {SHOES: counts})
        assert held(client) == (expected, expected)


def test_a_higher_revision_holds_even_where_it_is_less(client: redis.Redis, writer: CacheWriter) -> None:
    """And from then on no job, whose revision is 0, and no older recount changes anything."""
    writer.raise_window(60, START, {SHOES: Counts(5, 5), BOOTS: Counts(10, 1)})
    assert held(client) == (b"5 5", b"15 6")
    writer.raise_window(60, START, {SHOES: Counts(4, 4)}, 7)
    assert held(client) == (b"4 4 7", b"14 5")
    writer.raise_window(60, START, {SHOES: Counts(9, 9)})
    writer.raise_window(60, START, {SHOES: Counts(9, 9)}, 6)
    assert held(client) == (b"4 4 7", b"14 5")
    writer.raise_window(60, START, {SHOES: Counts(4, 4)}, 8)
    assert held(client) == (b"4 4 8", b"14 5")


def test_a_first_revision_of_nothing_is_written(client: redis.Redis, writer: CacheWriter) -> None:
    """Else a job could raise the cell afterwards."""
    writer.raise_window(60, START, {SHOES: Counts(0, 0)}, 3)
    writer.raise_window(60, START, {SHOES: Counts(2, 0)})
    assert held(client)[0] == b"0 0 3"


def test_more_cells_than_one_call_takes(client: redis.Redis, writer: CacheWriter) -> None:
    writer.raise_window(60, START, {(f"c{number}", "sports"): Counts(1, 0) for number in range(2_500)})
    assert client.hlen(cells_key(60, START)) == 2_500
    assert client.hget(categories_key(60, START), "sports") == b"2500 0"


def test_a_window_that_has_expired_stays_gone(client: redis.Redis, writer: CacheWriter) -> None:
    assert not writer.raise_window(60, START - 3_600, {SHOES: Counts(1, 0)})
    assert not client.exists(cells_key(60, START - 3_600), categories_key(60, START - 3_600))


def test_a_window_expires_when_it_should(client: redis.Redis, writer: CacheWriter) -> None:
    writer.raise_window(60, START, {SHOES: Counts(1, 0)})
    left = START + 60 + 1800 - time.time()
    assert all(abs(client.ttl(key) - left) < 5 for key in (cells_key(60, START), categories_key(60, START)))


def test_a_watermark_only_rises(client: redis.Redis, writer: CacheWriter) -> None:
    for watermark_ms in (5_000, 4_000, 6_000, 6_000, 4_000):
        writer.raise_watermark(60, watermark_ms)
    assert client.get(watermark_key(60)) == b"6000"


def test_a_value_is_read_with_and_without_a_revision() -> None:
    assert (parse_counts(b"1200 37"), parse_revision(b"1200 37")) == (Counts(1200, 37), 0)
    assert (parse_counts(b"1201 37 5"), parse_revision(b"1201 37 5")) == (Counts(1201, 37), 5)
    with pytest.raises(ValueError, match="invalid literal"):
        parse_counts(b"1200 x")
