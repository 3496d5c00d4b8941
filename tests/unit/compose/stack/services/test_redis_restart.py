"""What Redis was told stands there after a restart, by the configuration that every stack runs it with."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import fields
from pathlib import Path

import pytest
import redis

from compose.stack.layout import Layout
from compose.stack.passwords import Passwords
from compose.stack.ports import LOOPBACK, Ports
from compose.stack.services import redis_server
from pipeline.cache.cache_access import CacheUser
from pipeline.contract.cache_schema import complete_key
from tests.integration.waiting import eventually

PASSWORDS = Passwords(**{each.name: each.name for each in fields(Passwords)})
_TWO_WRITES = "redis.call('SET', KEYS[1], 1) return redis.call('SET', KEYS[2], 2)"
"""Kept as a transaction, each of whose commands is checked when it is replayed."""


def _client(port: int) -> redis.Redis:
    return redis.Redis(host=LOOPBACK, port=port, username=CacheUser.WRITER, password=PASSWORDS.redis_writer)


@contextmanager
def _running(config: Path, port: int) -> Iterator[redis.Redis]:
    server = subprocess.Popen([redis_server.newest_server(), config], stdout=subprocess.DEVNULL)
    try:
        with closing(_client(port)) as client:
            eventually("Redis answers", lambda: _answers(client), 10)
            yield client
    finally:
        server.terminate()
        server.wait(10)


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


@pytest.fixture
def port() -> int:
    """One that nobody listens on."""
    return Ports.free().redis


@pytest.fixture
def config(tmp_path: Path, port: int) -> Path:
    """As the stack writes it."""
    layout = Layout.of(tmp_path / "data")
    layout.create()
    layout.of_service("redis").mkdir()
    file = layout.run / "redis.conf"
    file.write_text(redis_server.config(layout, port, PASSWORDS, 0))
    return file


def test_what_scripts_and_transactions_wrote_is_there_after_a_restart(config: Path, port: int) -> None:
    keys = [f"{complete_key()}:{number}" for number in range(4)]
    with _running(config, port) as client:
        client.eval(_TWO_WRITES, 2, *keys[:2])
        with client.pipeline(transaction=True) as transaction:
            transaction.set(keys[2], 3).set(keys[3], 4).execute()
    with _running(config, port) as client:
        assert client.mget(keys) == [b"1", b"2", b"3", b"4"]


@pytest.mark.parametrize("command", [("AUTH", ""), ("AUTH", "default", ""), ("AUTH", "default", "default"), ("PING",)])
def test_nobody_becomes_the_user_that_replays(config: Path, port: int, command: tuple[str, ...]) -> None:
    refused = pytest.raises((redis.AuthenticationError, redis.ResponseError))
    with _running(config, port), closing(redis.Redis(host=LOOPBACK, port=port)) as stranger, refused:
        stranger.execute_command(*command)
