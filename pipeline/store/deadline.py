"""Connections to PostgreSQL whose every call ends: a server that hangs takes a connection and never answers.

Neither a statement timeout (it is the server's) nor TCP's keepalives (the kernel answers for a stopped process) end
such a wait. Here a timer shuts the connection's socket down, and the wait ends with an error.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, ParamSpec, TypeVar

import psycopg2
from psycopg2 import extensions

P = ParamSpec("P")
T = TypeVar("T")


class DeadlineExceeded(psycopg2.OperationalError):
    """PostgreSQL did not answer a call in time; the connection is closed."""


class BoundedConnection(extensions.connection):
    """Each call to the server, its cursors' among them, ends within ``call_seconds`` or raises DeadlineExceeded."""

    def __init__(self, dsn: str, *args: Any, call_seconds: float, **kwargs: Any) -> None:
        super().__init__(dsn, *args, **kwargs)
        self._call_seconds = call_seconds
        self._where = f"{self.info.host}:{self.info.port}"
        self.cursor_factory = BoundedCursor

    def commit(self) -> None:
        with self.bounded():
            super().commit()

    def rollback(self) -> None:
        with self.bounded():
            super().rollback()

    def set_session(self, *args: Any, **kwargs: Any) -> None:
        with self.bounded():
            super().set_session(*args, **kwargs)

    @contextmanager
    def bounded(self) -> Iterator[None]:
        """Raises DeadlineExceeded where the block waits for the server for longer."""
        hang_up = _HangUp(self.fileno)
        timer = threading.Timer(self._call_seconds, hang_up)
        timer.daemon = True
        timer.start()
        try:
            yield
        except psycopg2.Error as error:
            if not hang_up.happened:
                raise
            self.close()
            text = f"no answer from PostgreSQL at {self._where} within {self._call_seconds:g} s"
            raise DeadlineExceeded(text) from error
        finally:
            timer.cancel()
            hang_up.forget()


class _HangUp:
    """Shuts a connection's socket down; nothing once it is forgotten, when its number may be another socket's."""

    def __init__(self, number: Callable[[], int]) -> None:
        self._number = number
        self._lock = threading.Lock()
        self._forgotten = False
        self.happened = False

    def __call__(self) -> None:
        with self._lock:
            if not self._forgotten:
                self.happened = True
                with suppress(OSError, psycopg2.Error), socket.socket(fileno=os.dup(self._number())) as ours:
                    ours.shutdown(socket.SHUT_RDWR)

    def forget(self) -> None:
        with self._lock:
            self._forgotten = True


class BoundedCursor(extensions.cursor):
    """A cursor of a `BoundedConnection`."""

    connection: BoundedConnection

    def execute(self, *args: Any, **kwargs: Any) -> None:
        with self.connection.bounded():
            super().execute(*args, **kwargs)

    def executemany(self, *args: Any, **kwargs: Any) -> None:
        with self.connection.bounded():
            super().executemany(*args, **kwargs)

    def copy_expert(self, *args: Any, **kwargs: Any) -> None:
        with self.connection.bounded():
            super().copy_expert(*args, **kwargs)

    def fetchone(self) -> tuple[Any, ...] | None:
        return self._fetched(super().fetchone)

    def fetchmany(self, *args: Any, **kwargs: Any) -> list[tuple[Any, ...]]:
        return self._fetched(super().fetchmany, *args, **kwargs)

    def fetchall(self) -> list[tuple[Any, ...]]:
        return self._fetched(super().fetchall)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:  # type: ignore[override]
        while rows := self.fetchmany(self.itersize):
            yield from rows

    def close(self) -> None:
        self._fetched(super().close)

    def _fetched(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """A cursor without a name has all its rows already."""
        if self.name is None:
            return call(*args, **kwargs)
        with self.connection.bounded():
            return call(*args, **kwargs)
