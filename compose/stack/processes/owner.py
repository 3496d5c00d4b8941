"""The command that owns a stack, and the guard that takes the stack down when its owner has ended.

`up` owns the stack until it is healthy and then lets go of it; `demo` owns it to the end. A Ctrl-C is
handled by the command itself; the guard is for ``kill -9``, which leaves a command no time.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator

from compose.stack.layout import Layout, write_private
from compose.stack.processes.process_identity import ProcessIdentity


@contextlib.contextmanager
def owning(layout: Layout) -> Iterator[None]:
    """Within the block this process owns the stack: if it vanishes, the guard takes the stack down.

    Blocks of one process may nest.
    """
    me = ProcessIdentity.of(os.getpid())
    if _owner(layout) == me:
        yield
        return
    write_private(layout.owner, json.dumps(me.as_json()) + "\n")
    guard = _start_guard(layout)
    try:
        yield
    finally:
        layout.owner.unlink(missing_ok=True)
        guard.terminate()
        guard.wait()


def _start_guard(layout: Layout) -> subprocess.Popen[bytes]:
    # Without the stack's mark in its environment: it ends with its owner, however the stack is stopped.
    with layout.log_of("guard").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "compose.stack.guard", str(layout.root)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            # Out of reach of a signal to the command's process group or terminal.
            start_new_session=True,
        )


def owner_is_alive(layout: Layout) -> bool | None:
    """None if nobody owns the stack."""
    owner = _owner(layout)
    return None if owner is None else owner.is_alive()


def _owner(layout: Layout) -> ProcessIdentity | None:
    try:
        return ProcessIdentity.from_json(json.loads(layout.owner.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError):
        return None
