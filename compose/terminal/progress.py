"""Progress on stderr, so that stdout is the report alone."""

from __future__ import annotations

import sys
import time

_PLAIN_LINE_SECONDS = 10.0


def say(line: str) -> None:
    """A line of progress."""
    print(line, file=sys.stderr, flush=True)


class Progress:
    """One line: written over on a terminal, an occasional line of its own elsewhere."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._last = 0.0

    def __call__(self, text: str) -> None:
        if self._terminal:
            print(f"\r\x1b[K{text[:110]}", end="", file=sys.stderr, flush=True)
        elif time.monotonic() - self._last >= _PLAIN_LINE_SECONDS:
            self._last = time.monotonic()
            print(text, file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Leaves an empty line on a terminal."""
        if self._terminal:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
