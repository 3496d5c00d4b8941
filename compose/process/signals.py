"""Which signals end a command, and where they must not."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


def interrupting() -> tuple[signal.Signals, ...]:
    """Ctrl-C, `kill`, and a closed terminal, unless the parent has set that to ignored, as nohup does."""
    hangup = () if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else (signal.SIGHUP,)
    return (signal.SIGINT, signal.SIGTERM, *hangup)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Within the block a signal that ends commands does nothing: what cleans up must come to its end.

    Other threads than the main one get no signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former = {each: signal.signal(each, signal.SIG_IGN) for each in interrupting()}
    try:
        yield
    finally:
        for each, handler in former.items():
            signal.signal(each, signal.SIG_DFL if handler is None else handler)
