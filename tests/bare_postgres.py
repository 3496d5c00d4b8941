"""A PostgreSQL of a test's own, without a stack: anybody on this machine is let in."""

from __future__ import annotations

import dataclasses
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import psycopg2

from compose.stack.services.postgres_server import as_ordinary_user, binary
from pipeline.settings import Settings
from pipeline.store.db_connector import KEEPER, MENDER, MONITOR, OWNER, READER, WAREHOUSE, WRITER


@dataclasses.dataclass(frozen=True)
class BarePostgres:
    """A server with our roles, and a database without tables; ``settings`` are a client's."""

    process: subprocess.Popen[bytes]
    settings: Settings

    def freeze(self) -> None:
        """It goes on accepting connections, as the kernel does that, and answers nothing."""
        self._send(signal.SIGSTOP)

    def thaw(self) -> None:
        self._send(signal.SIGCONT)

    def _send(self, number: signal.Signals) -> None:
        parent = psutil.Process(self.process.pid)
        for each in (parent, *parent.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):  # a session that has just ended
                each.send_signal(number)


@contextmanager
def bare_postgres() -> Iterator[BarePostgres]:
    """Runs one until the block ends."""
    with tempfile.TemporaryDirectory(prefix="bare-postgres-") as scratch:
        state = Path(scratch) / "state"
        command = [*as_ordinary_user(), str(binary("initdb")), "-D", str(state), "-U", "postgres", "--no-sync"]
        command += ["--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"]
        subprocess.run(command, check=True, capture_output=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command = [*as_ordinary_user(), str(binary("postgres")), "-F", "-D", str(state), f"--port={port}"]
        command += ["--listen-addresses=127.0.0.1", "--unix-socket-directories="]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        server = BarePostgres(process, Settings(postgres_port=port, postgres_database="postgres"))
        try:
            _make_roles(server)
            yield server
        finally:
            server.thaw()
            process.send_signal(signal.SIGINT)
            process.wait(30)
            shutil.rmtree(state, ignore_errors=True)


def _make_roles(server: BarePostgres) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            connection = psycopg2.connect(host="127.0.0.1", port=server.settings.postgres_port, user="postgres")
            break
        except psycopg2.OperationalError:
            assert server.process.poll() is None, "PostgreSQL did not start"
            assert time.monotonic() < deadline, "PostgreSQL did not answer within 30 s"
            time.sleep(0.1)
    with connection, connection.cursor() as cursor:
        for role in (OWNER, WRITER, READER, MENDER, KEEPER, MONITOR, WAREHOUSE):
            cursor.execute(f"CREATE ROLE {role} LOGIN SUPERUSER")
    connection.close()
