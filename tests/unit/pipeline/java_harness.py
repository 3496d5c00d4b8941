"""Runs a class of `tests/unit/pipeline/java` on the class path of the stack's processes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from compose.stack.java.build import JAVA_DIR, compile_sources
from compose.stack.java.jvm import JAVA, QUICK_START
from compose.stack.services.flink import class_path

_HARNESSES = Path(__file__).with_name("java")


def run_harness(
    classes: Path,
    main: str,
    arguments: Sequence[str],
    tested: Sequence[str] = (),
    variables: Mapping[str, str] | None = None,
) -> str:
    """What it prints. ``main`` is its class; ``tested`` are classes of ours that only their package may use."""
    sources = [JAVA_DIR / "src/adctr/flink" / f"{name}.java" for name in tested]
    compile_sources([_HARNESSES / f"{main.rpartition('.')[2]}.java", *sources], classes)
    path = os.pathsep.join(map(str, [*class_path(), classes]))
    command = [str(JAVA), *QUICK_START, "-cp", path, main, *arguments]
    environment = {**os.environ, **(variables or {})}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60).stdout
