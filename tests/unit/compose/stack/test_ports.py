"""Which ports a stack takes, and what it says when they are taken."""

import os
import socket
from pathlib import Path

import pytest

from compose.process.errors import EnvironmentFailed
from compose.stack.ports import LOOPBACK, Ports, holder_of, is_free, require_free
from compose.stack.services.monitoring import unused_ports


def test_free_ports_are_all_different_and_free() -> None:
    ports = dict(Ports.free().items())
    assert len(set(ports.values())) == len(ports) == 18
    assert all(is_free(port) for port in ports.values())


def test_a_taken_port_is_named_with_purpose_and_holder() -> None:
    """The message has all that is needed to find the culprit."""
    with socket.socket() as holder:
        holder.bind((LOOPBACK, 0))
        holder.listen()
        port = holder.getsockname()[1]
        assert not is_free(port)
        assert f"(pid {os.getpid()})" in (holder_of(port) or "")
        free = dict(Ports.free().items())
        with pytest.raises(EnvironmentFailed, match=rf"port {port} \(flink rest\) is in use by .*--ports auto"):
            require_free(Ports(**{**free, "flink_rest": port}))
    assert is_free(port)


def test_ports_that_nobody_will_use_may_be_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Somebody's own Prometheus is no reason to refuse where none of ours is on PATH, nor without monitoring."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with socket.socket() as holder:
        holder.bind((LOOPBACK, 0))
        holder.listen()
        ports = Ports(**{**dict(Ports.free().items()), "prometheus": holder.getsockname()[1]})
        with pytest.raises(EnvironmentFailed, match="prometheus"):
            require_free(ports)
        for monitoring in (True, False):
            require_free(ports, unused_ports(monitoring))
    assert unused_ports(False) < set(dict(ports.items())), "every name is a port's"
    assert unused_ports(True) == {"prometheus", "alertmanager", "redis_exporter", "postgres_exporter"}
