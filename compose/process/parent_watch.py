"""Ends a command whose parent has ended.

A load that a check has started is in a session of its own, out of reach of the terminal, and the stack's guard looks
after it only where the check owns the stack. After ``kill -9`` of the check it would go on forever.
(``PR_SET_PDEATHSIG`` is no way: it fires when the *thread* ends that started the child. `bound_child` is for
other programs, which can't watch.)
"""

from __future__ import annotations

import os
import signal
import threading
import time

_VARIABLE = "ADCTR_PARENT_PID"
_POLL_SECONDS = 0.5


def ends_with_me() -> dict[str, str]:
    """What a child that calls `end_with_parent` must find in its environment."""
    return {_VARIABLE: str(os.getpid())}


def end_with_parent() -> None:
    """Terminates this process once the parent that asked for it has ended; otherwise does nothing.

    By TERM, which ends a load as Ctrl-C does: what was started in a script's background ignores the latter.
    """
    parent = parent_pid()
    if parent is not None:
        threading.Thread(target=_watch, args=(parent,), name="parent-watch", daemon=True).start()


def parent_pid() -> int | None:
    """The process that this one was told to end with; None: no process. Its own children are not told."""
    parent = os.environ.pop(_VARIABLE, None)
    return None if parent is None else int(parent)


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_POLL_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
