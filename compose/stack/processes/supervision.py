"""supervisord: restarts the stack's processes when they die, and ends them with all their children."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from xmlrpc.client import Error as RpcError
from xmlrpc.client import Fault, ServerProxy, Transport

import psutil

from compose.process.errors import EnvironmentFailed
from compose.stack.layout import STACK_DIR_VARIABLE, Layout, write_private
from compose.stack.processes.process_identity import ProcessIdentity
from compose.stack.service import Service

LOG_BYTES = 20_000_000
LOG_BACKUPS = 3
_START_SECONDS = 15.0
ANSWER_SECONDS = 30.0
"""supervisord does one thing after another, and none of what it is asked for waits for a process."""
# What the processes may know about their surroundings: neither the user's JAVA_TOOL_OPTIONS nor his secrets.
_INHERITED = ("PATH", "HOME", "USER", "TMPDIR", "XDG_CACHE_HOME", "LD_LIBRARY_PATH", "SSL_CERT_FILE")


def render(layout: Layout, services: Sequence[Service]) -> str:
    """supervisord.conf. Nothing starts by itself; `up` starts each process when its time has come."""
    head = f"""\
[supervisord]
nodaemon = true
silent = true
logfile = {_literal(layout.log_of("supervisord"))}
logfile_maxbytes = {LOG_BYTES}
logfile_backups = {LOG_BACKUPS}
pidfile = {_literal(layout.run / "supervisord.pid")}
childlogdir = {_literal(layout.logs)}
minfds = 1024

[unix_http_server]
file = {_literal(layout.socket)}
chmod = 0600

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
"""
    return head + "".join(_render_program(layout, service) for service in services)


def _render_program(layout: Layout, service: Service) -> str:
    command = " ".join(_word(part) for part in service.command)
    environment = ",".join(f'{key}="{_literal(value)}"' for key, value in service.environment.items())
    return f"""
[program:{service.name}]
command = {command}
environment = {environment}
directory = {_literal(layout.root)}
autostart = false
autorestart = true
startsecs = 1
startretries = 1000000
stopsignal = {service.stop_signal}
stopwaitsecs = {service.stop_seconds}
stopasgroup = {"true" if service.stop_signal == "TERM" else "false"}
killasgroup = true
redirect_stderr = true
stdout_logfile = {_literal(layout.log_of(service.name))}
stdout_logfile_maxbytes = {LOG_BYTES}
stdout_logfile_backups = {LOG_BACKUPS}
"""


def _literal(value: object) -> str:
    return str(value).replace("%", "%%")


def _word(part: str) -> str:
    return '"' + _literal(part).replace("\\", "\\\\").replace('"', '\\"') + '"'


@dataclass(frozen=True)
class ProcessState:
    """One process as the supervisor sees it. `pid` is 0 while there is none."""

    name: str
    state: str
    pid: int
    detail: str


class Supervisor:
    """A running supervisord, found by its record in the data directory and driven over its unix socket."""

    def __init__(self, layout: Layout, pid: int) -> None:
        self.pid = pid
        self._layout = layout

    @classmethod
    def start(cls, layout: Layout, services: Sequence[Service]) -> Supervisor:
        """Starts supervisord. Raises EnvironmentFailed with its own words if it does not come up."""
        write_private(layout.supervisor_config, render(layout, services))
        environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        environment |= {STACK_DIR_VARIABLE: str(layout.root), "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1"}
        output = layout.logs / "supervisord-start.log"
        with output.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "supervisor.supervisord", "-c", str(layout.supervisor_config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=layout.root,
                env=environment,
                # Not in our process group: Ctrl-C is for the command, which then takes the stack down in order.
                start_new_session=True,
            )
        record = ProcessIdentity.of(process.pid).as_json()
        write_private(layout.supervisor_pid, json.dumps(record) + "\n")
        supervisor = cls(layout, process.pid)
        deadline = time.monotonic() + _START_SECONDS
        while not supervisor.answers():
            if process.poll() is not None or time.monotonic() > deadline:
                words = output.read_text(encoding="utf-8", errors="replace").strip()
                raise EnvironmentFailed(f"supervisord did not start: {words or 'no answer on its socket'}")
            time.sleep(0.05)
        return supervisor

    @classmethod
    def find(cls, layout: Layout) -> Supervisor | None:
        """The supervisord that runs in this data directory, if one does."""
        try:
            process = ProcessIdentity.from_json(json.loads(layout.supervisor_pid.read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return cls(layout, process.pid) if process.is_alive() else None

    def process(self) -> psutil.Process:
        """Its own process. Raises psutil.NoSuchProcess."""
        return psutil.Process(self.pid)

    def answers(self) -> bool:
        """Whether its control socket works."""
        try:
            self._rpc().getState()
        except (OSError, RpcError):
            return False
        return True

    def start_process(self, name: str) -> None:
        """Starts one process and does not wait for it."""
        self._rpc().startProcess(name, False)

    def stop_processes(self, names: Sequence[str], timeout_seconds: float) -> None:
        """Stops the processes side by side and waits until they are gone."""
        rpc = self._rpc()
        for name in names:
            with suppress(Fault):  # not running
                rpc.stopProcess(name, False)
        deadline = time.monotonic() + timeout_seconds
        while time.monotonic() < deadline:
            if not any(each.pid for each in self.processes() if each.name in names):
                return
            time.sleep(0.1)

    def processes(self) -> list[ProcessState]:
        """Every process with its state, in the order of the configuration."""
        rows: Any = self._rpc().getAllProcessInfo()
        return [ProcessState(row["name"], row["statename"], int(row["pid"]), row["description"]) for row in rows]

    def shutdown(self, timeout_seconds: float) -> bool:
        """Ends supervisord with everything it still runs; whether it is gone in time.

        One that has ended and that its parent has not waited for is gone: the parent may be another command of ours.
        """
        try:
            identity = ProcessIdentity.of(self.pid)
        except OSError:
            return True
        with suppress(OSError, RpcError):
            self._rpc().shutdown()
        deadline = time.monotonic() + timeout_seconds
        while identity.is_alive():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        with suppress(psutil.Error):  # waited for, if it is ours
            self.process().wait(0)
        return True

    def _rpc(self) -> Any:
        # A proxy per call: the connection inside one is not for several threads.
        return ServerProxy("http://localhost", transport=_UnixTransport(self._layout.socket)).supervisor


class _UnixTransport(Transport):
    """XML-RPC over a unix socket. Raises TimeoutError where no answer comes within ``ANSWER_SECONDS``."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> HTTPConnection:
        return _UnixConnection(str(host), self._path)

    def request(self, *arguments: Any, **options: Any) -> Any:
        try:
            return super().request(*arguments, **options)
        except TimeoutError as error:
            raise TimeoutError(f"supervisord at {self._path} has not answered for {ANSWER_SECONDS:g} s") from error


class _UnixConnection(HTTPConnection):
    def __init__(self, host: str, path: Path) -> None:
        super().__init__(host, timeout=ANSWER_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))
