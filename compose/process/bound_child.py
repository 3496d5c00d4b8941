"""``python -m compose.process.bound_child COMMAND…``: becomes a command that gets TERM when its parent ends.

For commands of others, which can't call `parent_watch.end_with_parent`. The kernel sends the signal when
the thread ends that started the child: that has to be the parent's main thread.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

from compose.process.exit_codes import ExitCode
from compose.process.parent_watch import parent_pid

_PR_SET_PDEATHSIG = 1


def bound(command: list[str]) -> list[str]:
    """The command that ends with its parent; its environment must have `parent_watch.ends_with_me`."""
    return [sys.executable, "-m", "compose.process.bound_child", *command]


def main() -> None:
    """The process that becomes the command."""
    parent = parent_pid()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if parent is not None and os.getppid() != parent:  # it ended before it could be told
        raise SystemExit(ExitCode.INTERRUPTED)
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()
