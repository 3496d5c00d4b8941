"""Waiting for something to come true, with a name for it when it doesn't."""

from __future__ import annotations

import time
from collections.abc import Callable


def eventually(what: str, holds: Callable[[], bool], seconds: float = 30.0) -> None:
    """Fails with `what` if it does not come true in time."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.2)
