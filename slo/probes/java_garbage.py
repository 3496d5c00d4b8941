"""Has Java processes collect their garbage, so that their memory is what they need, not what they have left lying.

A heap that was given to the JVM is touched piece by piece for as long as nothing forces a collection of all of it; for
hours that looks like a leak. After a full collection every half a minute the heap's touched part follows what is alive.
"""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

import psutil

from slo.probes.probe import Probe, Sample

ATTACH_SECONDS = 5.0
_POLL_SECONDS = 0.05


class AttachFailed(OSError):
    """A JVM did not let us attach, or did not do what it was asked; the message says which and why."""


class JavaGarbage(Probe):
    """No probe that measures: each poll is one full collection in every service that is a JVM."""

    name = "java_garbage"
    indicators = ()
    period_seconds = 30.0

    def __init__(self, find: Callable[[], Mapping[str, int]]) -> None:
        self._find = find
        self._done = 0
        self._failed: dict[str, str] = {}

    def look(self) -> Iterable[Sample]:
        for name, pid in self._find().items():
            with suppress(psutil.Error):
                if psutil.Process(pid).name() != "java":
                    continue
                try:
                    collect_garbage(pid)
                    self._done += 1
                except OSError as error:
                    self._failed[name] = str(error)
        return ()

    def close(self) -> None:
        """Nothing to end."""

    def notes(self) -> Mapping[str, float | int | str]:
        failures = {f"java_garbage_failed.{name}": words for name, words in self._failed.items()}
        return {"java_garbage_collections": self._done, **failures}


def collect_garbage(pid: int) -> None:
    """A full collection, as ``jcmd PID GC.run`` does it. Raises OSError where the JVM does not take the order.

    The JRE has no jcmd, but every HotSpot JVM listens (src/hotspot/os/posix/attachListener_posix.cpp): asked by a file
    and SIGQUIT it opens a socket, on which a command is its version, name and three arguments, each ended by a zero.
    """
    with _attached(pid) as connection:
        connection.sendall(b"1\0jcmd\0GC.run\0\0\0")
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    if not answer.startswith(b"0\n"):
        raise AttachFailed(f"JVM {pid}: {answer.decode(errors='replace').strip() or 'no answer'}")


def _attached(pid: int) -> socket.socket:
    path = Path(f"/tmp/.java_pid{pid}")  # noqa: S108 - HotSpot's own place, whatever TMPDIR says
    if not path.is_socket():
        _ask_for_socket(pid, path)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(ATTACH_SECONDS)
    try:
        connection.connect(str(path))
    except OSError:
        connection.close()
        raise
    return connection


def _ask_for_socket(pid: int, path: Path) -> None:
    if not _catches_quit(pid):
        raise AttachFailed(f"JVM {pid}: does not listen yet")
    wish = Path(f"/proc/{pid}/cwd/.attach_pid{pid}")
    wish.touch()
    try:
        os.kill(pid, signal.SIGQUIT)
        deadline = time.monotonic() + ATTACH_SECONDS
        while not path.is_socket():
            if time.monotonic() > deadline:
                raise AttachFailed(f"JVM {pid}: no attach socket within {ATTACH_SECONDS:g} s")
            time.sleep(_POLL_SECONDS)
    finally:
        wish.unlink(missing_ok=True)


def _catches_quit(pid: int) -> bool:
    """A JVM that has only just begun would be ended by SIGQUIT."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
    caught = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught, 16) & 1 << (signal.SIGQUIT - 1))
