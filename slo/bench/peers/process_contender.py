"""A contender that is a program of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import psutil

from pipeline.settings import Settings

END_SECONDS = 15.0


@dataclass(frozen=True)
class ProcessContender:
    """``python -m MODULE ARGUMENT…`` with the settings, and what ``environ`` adds, in its environment."""

    name: str
    module: str
    settings: Settings
    arguments: Sequence[str] = ()
    environ: Mapping[str, str] = field(default_factory=dict)

    @contextmanager
    def running(self) -> Iterator[Mapping[str, psutil.Process]]:
        """Its process; with everything that it has started it is gone when the block ends.

        What it says goes to stderr if it has ended by itself, or if the block fails.
        """
        with tempfile.TemporaryFile() as said:
            process = subprocess.Popen(
                [sys.executable, "-m", self.module, *self.arguments],
                env={**os.environ, **self.settings.to_env(), **self.environ},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=said,
            )
            lived_on = False
            try:
                yield {self.name: psutil.Process(process.pid)}
                lived_on = process.poll() is None
            finally:
                _end(process)
                if not lived_on:
                    said.seek(0)
                    sys.stderr.write(said.read().decode(errors="replace"))


def _end(process: subprocess.Popen[bytes]) -> None:
    """A framework's workers do not all end with their parent."""
    family: list[psutil.Process] = []
    if process.poll() is None:
        family = psutil.Process(process.pid).children(recursive=True)
        process.terminate()
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for each in family:
        if each.is_running():
            each.kill()
    psutil.wait_procs(family, END_SECONDS)
