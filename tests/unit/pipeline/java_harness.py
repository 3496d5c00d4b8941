"""Runs a class of `tests/unit/pipeline/java` on the class path of the stack's processes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
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
    command = _command(classes, main, arguments, tested)
    environment = {**os.environ, **(variables or {})}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60).stdout


@contextmanager
def running_harness(classes: Path, main: str, tested: Sequence[str] = ()) -> Iterator[subprocess.Popen[str]]:
    """The same, spoken to by its standard input and output until the block ends."""
    command = _command(classes, main, (), tested)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


def _command(classes: Path, main: str, arguments: Sequence[str], tested: Sequence[str]) -> list[str]:
    sources = [JAVA_DIR / "src/adctr/flink" / f"{name}.java" for name in tested]
    compile_sources([_HARNESSES / f"{main.rpartition('.')[2]}.java", *sources], classes)
    path = os.pathsep.join(map(str, [*class_path(), classes]))
    return [str(JAVA), *QUICK_START, "-cp", path, main, *arguments]
