"""A Redis with our users, for the tests of a module."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.settings import Settings
from tests.integration.redis_servers import RedisServer


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = RedisServer(port, Path(tmp_path_factory.mktemp("redis")))
    yield Settings(redis_port=port)
    server.kill()
