"""TCP links that can be made worse: what Toxiproxy does, for the connections between the stack's processes.

A link listens on a port of its own and passes every byte on to its upstream. Its *condition* can be changed while it
runs: bytes on their way to the upstream wait ``delay_seconds`` (plus or minus ``jitter_seconds``, never overtaking each
other), and a ``cut`` link lets nothing through in either direction, as if the cable were out.
"""

from __future__ import annotations

import asyncio
import random
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

LOOPBACK = "127.0.0.1"
CHUNK_BYTES = 65_536
_CUT_POLL_SECONDS = 0.02
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER of zero seconds: close() sends a reset instead of a goodbye."""


@dataclass(frozen=True)
class Condition:
    """How a link is. The default is a cable that is as good as none."""

    delay_seconds: float = 0.0
    jitter_seconds: float = 0.0
    cut: bool = False


GOOD = Condition()


class Link:
    """One listening port and its upstream port, both on the loopback interface; a thread from `start` to `stop`.

    `start` raises OSError, naming the port, where it can't be bound.
    """

    def __init__(self, listen_port: int, upstream_port: int) -> None:
        self.condition = GOOD
        self.strikes = 0
        """Chunks that were delayed or held back and connections that were broken, ever: what its users felt."""
        self._listen_port, self._upstream_port = listen_port, upstream_port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"link-{listen_port}", daemon=True)
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    def start(self) -> None:
        """Listens when it returns."""
        self._thread.start()
        opening = asyncio.run_coroutine_threadsafe(self._open(), self._loop)
        try:
            opening.result(10)
        except OSError as error:
            self._end_loop()
            raise OSError(error.errno, f"port {self._listen_port} (link): {error.strerror or error}") from error

    def stop(self) -> None:
        """Closes the port and every connection."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._end_loop()

    @contextmanager
    def in_condition(self, condition: Condition) -> Iterator[None]:
        """The link is so within the block, and good again after it."""
        self.condition = condition
        try:
            yield
        finally:
            self.condition = GOOD

    def reset(self) -> None:
        """Breaks every connection there is, without a goodbye. New ones are taken as before."""

        async def cancel() -> None:
            self.strikes += len(self._connections)
            for task in self._connections:
                task.cancel()

        asyncio.run_coroutine_threadsafe(cancel(), self._loop).result(10)

    async def _open(self) -> None:
        self._server = await asyncio.start_server(self._connected, LOOPBACK, self._listen_port)

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
        tasks = tuple(self._connections)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _end_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        writers = [writer]
        try:
            upstream_reader, upstream_writer = await asyncio.open_connection(LOOPBACK, self._upstream_port)
            writers.append(upstream_writer)
            await self._both_ways(reader, writer, upstream_reader, upstream_writer)
        except (OSError, asyncio.CancelledError):
            for each in writers:
                each.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        finally:
            self._connections.discard(task)
            for each in writers:
                each.close()

    async def _both_ways(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        upstream_reader: asyncio.StreamReader,
        upstream_writer: asyncio.StreamWriter,
    ) -> None:
        """Until either side ends."""
        ways = (
            asyncio.create_task(self._pass_on(reader, upstream_writer, delayed=True)),
            asyncio.create_task(self._pass_on(upstream_reader, writer, delayed=False)),
        )
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, delayed: bool) -> None:
        """Reading goes on while chunks wait, so that a delay costs time and not throughput."""
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        delivery = asyncio.create_task(self._deliver(queue, writer))
        try:
            with suppress(OSError):
                while chunk := await reader.read(CHUNK_BYTES):
                    queue.put_nowait((self._loop.time() + (self._delay() if delayed else 0.0), chunk))
            queue.put_nowait((self._loop.time(), b""))
            await delivery
        finally:
            delivery.cancel()

    def _delay(self) -> float:
        now = self.condition
        delay = max(0.0, now.delay_seconds + random.uniform(-now.jitter_seconds, now.jitter_seconds))
        self.strikes += delay > 0
        return delay

    async def _deliver(self, queue: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
        while True:
            due, chunk = await queue.get()
            self.strikes += self.condition.cut
            while (left := due - self._loop.time()) > 0 or self.condition.cut:
                await asyncio.sleep(max(left, _CUT_POLL_SECONDS) if not self.condition.cut else _CUT_POLL_SECONDS)
            if not chunk:
                return
            with suppress(OSError):
                writer.write(chunk)
                await writer.drain()
