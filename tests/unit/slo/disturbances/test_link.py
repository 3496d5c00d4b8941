"""A link passes bytes on as they are, and makes them wait exactly when it is told to."""

from __future__ import annotations

import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from types import SimpleNamespace
from typing import cast

import pytest

from slo.disturbances.bench import Bench, NotStruck
from slo.disturbances.injections import link_cut, link_reset, link_slow
from slo.disturbances.link import Condition, Link
from slo.faults.catalogue import LinkInjection
from tests.integration.waiting import eventually


class Echo(socketserver.BaseRequestHandler):
    """Sends back whatever comes."""

    def handle(self) -> None:
        while data := self.request.recv(65_536):
            self.request.sendall(data)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def link() -> Iterator[tuple[Link, int]]:
    """A link to a real echo server, and the port that it listens on."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = free_port()
        link = Link(port, server.server_address[1])
        link.start()
        try:
            yield link, port
        finally:
            link.stop()
            server.shutdown()


def echo(connection: socket.socket, data: bytes) -> bytes:
    connection.sendall(data)
    received = b""
    while len(received) < len(data):
        received += connection.recv(65_536)
    return received


def bench_with(link: Link) -> Bench:
    """As much of a stack as a link's faults touch."""
    return cast(Bench, SimpleNamespace(link=lambda server: link))


def test_a_good_link_changes_nothing(link: tuple[Link, int]) -> None:
    """Three megabytes, there and back."""
    data = bytes(range(256)) * 12_000
    with socket.create_connection(("127.0.0.1", link[1]), 5) as connection:
        threading.Thread(target=connection.sendall, args=(data,), daemon=True).start()
        received = b""
        while len(received) < len(data):
            received += connection.recv(65_536)
    assert received == data


def test_delayed_bytes_wait_and_do_not_overtake(link: tuple[Link, int]) -> None:
    """With jitter, too; afterwards the link is as before."""
    with socket.create_connection(("127.0.0.1", link[1]), 5) as connection:
        with link[0].in_condition(Condition(delay_seconds=0.3, jitter_seconds=0.1)):
            began = time.monotonic()
            numbers = b"".join(number.to_bytes(2) for number in range(500))
            assert echo(connection, numbers) == numbers
            assert time.monotonic() - began >= 0.2
        assert echo(connection, b"good again") == b"good again"


def test_a_cut_link_lets_nothing_through_until_it_is_mended(link: tuple[Link, int]) -> None:
    with socket.create_connection(("127.0.0.1", link[1]), 5) as connection:
        connection.settimeout(0.3)
        with link[0].in_condition(Condition(cut=True)):
            connection.sendall(b"held back")
            with pytest.raises(TimeoutError):
                connection.recv(100)
        connection.settimeout(5)
        assert connection.recv(100) == b"held back"


def test_a_reset_breaks_connections_and_takes_new_ones(link: tuple[Link, int]) -> None:
    with socket.create_connection(("127.0.0.1", link[1]), 5) as connection:
        assert echo(connection, b"hello") == b"hello"
        link[0].reset()
        with pytest.raises(ConnectionResetError):
            connection.recv(100)
    with socket.create_connection(("127.0.0.1", link[1]), 5) as connection:
        assert echo(connection, b"hello again") == b"hello again"


STRIKES = [link_slow, link_reset, link_cut]


@pytest.mark.parametrize("strike", STRIKES)
def test_a_fault_is_felt_by_who_is_connected(link: tuple[Link, int], strike: LinkInjection) -> None:
    with socket.create_connection(("127.0.0.1", link[1]), 5) as connection:
        assert echo(connection, b"before") == b"before"
        assert link[0].strikes == 0
        with strike(bench_with(link[0]), "redis"):
            with suppress(ConnectionResetError):
                connection.sendall(b"meanwhile")
            eventually("the link did something", lambda: link[0].strikes > 0)


@pytest.mark.parametrize("strike", STRIKES)
def test_a_fault_that_nobody_felt_is_none(link: tuple[Link, int], strike: LinkInjection) -> None:
    said = "nothing was on its way between the jobs and redis"
    with pytest.raises(NotStruck, match=said), strike(bench_with(link[0]), "redis"):
        pass


def test_a_port_in_use_is_named() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(OSError, match=rf"port {port} \(link\)"):
            Link(port, 1).start()
