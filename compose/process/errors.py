"""Errors that end a command with a message instead of a traceback."""

from __future__ import annotations


class UsageError(Exception):
    """The command or a setting cannot work as given; the message says what is allowed (exit 2)."""


class EnvironmentFailed(Exception):
    """The machine, the network or the stack failed; the message names it and the fix (exit 4)."""


class StackNotRunning(EnvironmentFailed):
    """A command needs a running stack and there is none."""

    def __init__(self, data_dir: object) -> None:
        super().__init__(f"no stack is running in {data_dir}; start one with `adctr --data-dir {data_dir} up`")


class Inconclusive(Exception):
    """There is too little to say anything; the message says what is missing (exit 3)."""
