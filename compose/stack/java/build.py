"""Compiles the Java of the Flink jobs (`pipeline/flink_java`) with the Eclipse compiler: no JDK needed."""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import tempfile
import zipfile
from pathlib import Path

import pyflink

import pipeline
from compose.process.errors import EnvironmentFailed
from compose.stack.java import artifacts
from compose.stack.java.jvm import JAVA

JAVA_DIR = Path(pipeline.__file__).parent / "flink_java"
_JAVA_RELEASE = "17"


def flink_home() -> Path:
    """The Flink distribution inside the pip package."""
    return Path(pyflink.__file__).parent


def flink_jars() -> list[Path]:
    """Flink's own jars and the connectors, in the order of the class path; flink-dist last, as Flink's scripts do."""
    own = [*flink_home().joinpath("lib").glob("*.jar"), *flink_home().joinpath("opt").glob("flink-python-*.jar")]
    return sorted([*own, *artifacts.paths("flink")], key=lambda jar: (jar.name.startswith("flink-dist"), jar.name))


def compile_java() -> Path | None:
    """The jar of the compiled classes, from the cache if its sources did not change; None if there are no sources.

    Raises EnvironmentFailed with the compiler's messages.
    """
    sources = sorted((JAVA_DIR / "src").rglob("*.java"))
    if not sources:
        return None
    resources = sorted(path for path in (JAVA_DIR / "resources").rglob("*") if path.is_file())
    target = artifacts.cache_dir() / f"adctr-flink-{_digest([*sources, *resources])}.jar"
    if not target.exists():
        with tempfile.TemporaryDirectory(dir=artifacts.cache_dir()) as scratch:
            compile_sources(sources, Path(scratch) / "classes")
            _pack(Path(scratch) / "classes", resources, Path(scratch) / "adctr-flink.jar")
            with contextlib.suppress(FileExistsError):
                os.link(Path(scratch) / "adctr-flink.jar", target)
    return target


def _digest(files: list[Path]) -> str:
    digest = hashlib.sha256(artifacts.LOCK_FILE.read_bytes())
    digest.update(_JAVA_RELEASE.encode())
    for file in files:
        digest.update(str(file.relative_to(JAVA_DIR)).encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def compile_sources(sources: list[Path], target: Path) -> None:
    """Compiles to class files below `target`. Raises EnvironmentFailed with the compiler's messages."""
    (compiler,) = artifacts.paths("compiler")
    class_path = os.pathsep.join(str(jar) for jar in flink_jars())
    command = [
        str(JAVA),
        "-XX:TieredStopAtLevel=1",
        "-jar",
        str(compiler),
        f"-{_JAVA_RELEASE}",
        "-proc:none",
        "-nowarn",
    ]
    command += ["-encoding", "UTF-8", "-cp", class_path, "-d", str(target), *map(str, sources)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise EnvironmentFailed(f"the Java in {JAVA_DIR / 'src'} does not compile:\n{result.stderr}")


def _pack(classes: Path, resources: list[Path], target: Path) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as jar:
        for file in sorted(path for path in classes.rglob("*") if path.is_file()):
            jar.write(file, str(file.relative_to(classes)))
        for file in resources:
            jar.write(file, str(file.relative_to(JAVA_DIR / "resources")))
