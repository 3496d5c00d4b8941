"""Processes of a stack that nobody supervises any more: found by a mark in their environment."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress

import psutil

from compose.stack.layout import STACK_DIR_VARIABLE, Layout

_GRACE_SECONDS = 5.0


def find(layout: Layout) -> list[psutil.Process]:
    """Every process of this stack."""
    mark = str(layout.root)
    found = []
    for process in psutil.process_iter():
        if process.pid == os.getpid():
            continue
        try:
            # The uid first: other users' environments cannot be read anyway.
            if process.uids().real == os.getuid() and process.environ().get(STACK_DIR_VARIABLE) == mark:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def describe(processes: Iterable[psutil.Process]) -> str:
    """Names and ids."""
    said = []
    for process in processes:
        try:
            said.append(f"{process.name()} ({process.pid})")
        except psutil.Error:
            continue
    return ", ".join(said)


def end(layout: Layout) -> int:
    """Terminates, then kills what is left of the stack; how many processes there were."""
    ended = 0
    # Twice, because a process may have started another while we were looking.
    for _ in range(2):
        processes = find(layout)
        if not processes:
            break
        ended += len(processes)
        for process in processes:
            _terminate(process)
        _, stubborn = psutil.wait_procs(processes, timeout=_GRACE_SECONDS)
        for process in stubborn:
            kill(process)
        psutil.wait_procs(stubborn, timeout=_GRACE_SECONDS)
    return ended


def kill(process: psutil.Process) -> None:
    """SIGKILL, unless it is gone already."""
    with suppress(psutil.Error):
        process.kill()


def _terminate(process: psutil.Process) -> None:
    with suppress(psutil.Error):
        process.terminate()
