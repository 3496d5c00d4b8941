"""psycopg2 under gevent: a greenlet that waits for PostgreSQL lets the others run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gevent.queue import Empty, LifoQueue
from gevent.socket import wait_read, wait_write
from psycopg2 import extensions


def make_green() -> None:
    """From now on every connection of this process waits by gevent."""
    extensions.set_wait_callback(_wait)


def _wait(connection: extensions.connection, _timeout: object = None) -> None:
    while True:
        state = connection.poll()
        if state == extensions.POLL_OK:
            return
        if state == extensions.POLL_READ:
            wait_read(connection.fileno())
        elif state == extensions.POLL_WRITE:
            wait_write(connection.fileno())
        else:
            raise RuntimeError(f"psycopg2 is in state {state} after a poll")


class Connections:
    """As many connections as are used at once: a green connection serves one greenlet at a time."""

    def __init__(self, connect: Callable[[], extensions.connection]) -> None:
        self._connect = connect
        self._idle: LifoQueue = LifoQueue()

    @contextmanager
    def one(self) -> Iterator[extensions.connection]:
        """A connection, kept for the next one unless the block fails."""
        try:
            connection = self._idle.get_nowait()
        except Empty:
            connection = self._connect()
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        self._idle.put(connection)
