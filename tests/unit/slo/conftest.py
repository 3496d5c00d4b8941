"""A real Redis for tests that need nothing else of a stack."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator

import pytest
import redis

from compose.stack.services.redis_server import newest_server
from pipeline.settings import Settings


@pytest.fixture(scope="session")
def redis_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Port of an empty Redis of our own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    command = [str(newest_server()), "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    server = subprocess.Popen(command, cwd=tmp_path_factory.mktemp("redis"), stdout=subprocess.DEVNULL)
    client = redis.Redis(port=port)
    for _ in range(200):
        try:
            client.ping()
            break
        except redis.ConnectionError:
            time.sleep(0.02)
    yield port
    client.close()
    server.terminate()
    server.wait()


@pytest.fixture
def redis_settings(redis_port: int) -> Settings:
    """Settings of that Redis, which is emptied."""
    with redis.Redis(port=redis_port) as client:
        client.flushall()
    return Settings(redis_port=redis_port)
