"""A redis-server of a test's own."""

from __future__ import annotations

import socket
import subprocess
import time
from pathlib import Path

import redis

from compose.stack.services.redis_server import newest_server


def free_port() -> int:
    """One that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class RedisServer:
    """A redis-server that a test may kill."""

    def __init__(self, port: int, directory: Path) -> None:
        self.port, self._directory = port, directory
        self.start()

    def start(self) -> None:
        command = [str(newest_server()), "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        self._process = subprocess.Popen(command, cwd=self._directory, stdout=subprocess.DEVNULL)
        client = redis.Redis(port=self.port)
        for _ in range(200):
            try:
                client.ping()
                break
            except redis.ConnectionError:
                time.sleep(0.05)
        client.close()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
