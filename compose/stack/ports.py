"""The TCP ports of one stack: the well-known ones or free ones, and the processes that hold them."""

from __future__ import annotations

import contextlib
import errno
import socket
from collections.abc import Collection, Iterator
from dataclasses import dataclass, fields
from enum import StrEnum

import psutil

from compose.process.errors import EnvironmentFailed

LOOPBACK = "127.0.0.1"
EVERYWHERE = "0.0.0.0"  # noqa: S104
"""What a process listens on inside a container, whose network is its own."""


class PortChoice(StrEnum):
    """How `adctr up` picks its ports."""

    DEFAULT = "default"
    AUTO = "auto"


@dataclass(frozen=True)
class Ports:
    """Every port that the stack's processes listen on, all on the loopback interface."""

    kafka: int = 9092
    kafka_controller: int = 9093
    registry: int = 8081
    registry_management: int = 9000
    redis: int = 6379
    postgres: int = 5432
    flink_rest: int = 8082
    flink_rpc: int = 6123
    flink_blob: int = 6124
    dashboard: int = 8501
    exporter: int = 9108
    prometheus: int = 9090
    alertmanager: int = 9094
    redis_exporter: int = 9121
    postgres_exporter: int = 9187
    flink_metrics: int = 9249
    flink_live_metrics: int = 9250
    flink_store_metrics: int = 9251

    @classmethod
    def free(cls) -> Ports:
        """Ports that were free a moment ago, all different."""
        with contextlib.ExitStack() as stack:
            sockets = [stack.enter_context(socket.socket()) for _ in fields(cls)]
            for each in sockets:
                each.bind((LOOPBACK, 0))
            return cls(*(each.getsockname()[1] for each in sockets))

    def items(self) -> Iterator[tuple[str, int]]:
        """Pairs of (what the port is for, port)."""
        for spec in fields(self):
            yield spec.name, getattr(self, spec.name)


def is_free(port: int) -> bool:
    """Whether a service could bind the port on the loopback interface now."""
    with socket.socket() as probe:
        # As the services do: a connection of the last run in TIME_WAIT is no reason to refuse.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise
    return True


def holder_of(port: int) -> str | None:
    """The process listening on `port`, as "name (pid 1234)"; None where it can't be seen."""
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.Error:
        return None
    for connection in connections:
        if connection.laddr and connection.laddr.port == port and connection.status == psutil.CONN_LISTEN:
            if connection.pid is None:
                return None
            with contextlib.suppress(psutil.Error):
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    return None


def require_free(ports: Ports, unused: Collection[str] = ()) -> None:
    """Raises EnvironmentFailed naming every port in use, its purpose and holder, but for the ``unused`` purposes."""
    taken = [(name, port) for name, port in ports.items() if name not in unused and not is_free(port)]
    if not taken:
        return
    lines = [f"port {port} ({name.replace('_', ' ')}) is in use{_by(holder_of(port))}" for name, port in taken]
    raise EnvironmentFailed("; ".join(lines) + "; stop what uses them or start with `adctr up --ports auto`")


def _by(holder: str | None) -> str:
    return f" by {holder}" if holder else " by a process of another user"
