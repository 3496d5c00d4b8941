"""Which signals end a command."""

from __future__ import annotations

import signal


def interrupting() -> tuple[signal.Signals, ...]:
    """Ctrl-C, `kill`, and a closed terminal, unless the parent has set that to ignored, as nohup does."""
    hangup = () if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else (signal.SIGHUP,)
    return (signal.SIGINT, signal.SIGTERM, *hangup)
