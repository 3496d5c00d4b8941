"""What the exit code of every `adctr` command means."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """The promise that scripts and CI rely on."""

    PASS = 0
    FAIL = 1
    """An objective was breached or a check failed."""
    USAGE = 2
    """Wrong usage or configuration."""
    INCONCLUSIVE = 3
    """Not enough data to say."""
    ENVIRONMENT = 4
    """The machine, the network or the stack failed, not the thing under test."""
    INTERRUPTED = 130
    """Ctrl-C or SIGTERM, after cleaning up (128 + SIGINT)."""
