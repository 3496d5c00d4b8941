"""The Java parts of the stack: fetched by Maven coordinate, locked by SHA-256, cached per user.

`artifacts.lock` (TOML) lists every file with its size in bytes and checksum; it is written by
``python -m compose.stack.java.lock_artifacts`` and read here. jgo does the downloading.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import tarfile
import tomllib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import requests

from compose.process.errors import EnvironmentFailed

if TYPE_CHECKING:
    from jgo.maven import MavenContext

LOCK_FILE = Path(__file__).with_name("artifacts.lock")
DOWNLOAD_THREADS = 4
DOWNLOAD_TIMEOUT_SECONDS = 60
_ATTEMPTS = 3


@dataclass(frozen=True)
class Artifact:
    """One locked file. `coordinate` is ``group:name:packaging[:classifier]:version``; `group` says what needs it."""

    group: str
    coordinate: str
    size_bytes: int
    sha256: str

    @property
    def path(self) -> Path:
        """Below the cache's Maven repository."""
        group_id, name, packaging, *classifier, version = self.coordinate.split(":")
        suffix = f"-{classifier[0]}" if classifier else ""
        return Path(*group_id.split("."), name, version, f"{name}-{version}{suffix}.{packaging}")


def read_lock(text: str) -> list[Artifact]:
    """The artifacts in an `artifacts.lock`."""
    entries = tomllib.loads(text)["artifact"]
    return [Artifact(e["group"], e["coordinate"], e["size_bytes"], e["sha256"]) for e in entries]


def locked(group: str | None = None) -> list[Artifact]:
    """What the committed lock file lists, all of it or what one group needs."""
    every = read_lock(LOCK_FILE.read_text(encoding="utf-8"))
    return [artifact for artifact in every if group in (None, artifact.group)]


def cache_dir() -> Path:
    """``$XDG_CACHE_HOME/adctr`` or ``~/.cache/adctr``."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "adctr"


def maven_dir() -> Path:
    return cache_dir() / "maven"


def paths(group: str) -> list[Path]:
    """The cached files of one group. Call `ensure` before."""
    return [maven_dir() / artifact.path for artifact in locked(group)]


def present() -> bool:
    """Whether every locked file is there with its full size; cheap enough for every start."""
    return not _missing(locked())


def ensure(verify: bool = False) -> None:
    """Downloads what is missing and checks its SHA-256; `verify` checks the files that are there as well.

    Raises EnvironmentFailed: no network, disk full, or a file that does not match the lock file.
    """
    with _explained(), _exclusive():
        wanted = locked() if verify else _missing(locked())
        corrupt = [artifact for artifact in wanted if not _matches(artifact)]
        if corrupt:
            _download_all(corrupt)


def unpacked_registry() -> Path:
    """The registry's archive, unpacked into the cache once. Returns the directory with ``quarkus-run.jar``."""
    (archive,) = locked("registry")
    target = cache_dir() / f"registry-{archive.sha256[:12]}"
    if not target.exists():
        with _explained(), _exclusive():
            if not target.exists():
                _unpack(maven_dir() / archive.path, target)
    return target


def _unpack(archive: Path, target: Path) -> None:
    scratch = target.with_name(f"{target.name}.{os.getpid()}")
    with tarfile.open(archive) as tar:
        # Python before 3.11.4 (Debian 12's) has no filters; what is unpacked is locked by checksum.
        tar.extraction_filter = getattr(tarfile, "data_filter", None)
        tar.extractall(scratch)  # noqa: S202
    scratch.rename(target)


def _missing(artifacts: Iterable[Artifact]) -> list[Artifact]:
    return [artifact for artifact in artifacts if not _has_size(maven_dir() / artifact.path, artifact.size_bytes)]


def _has_size(path: Path, size_bytes: int) -> bool:
    try:
        return path.stat().st_size == size_bytes
    except OSError:
        return False


def _matches(artifact: Artifact) -> bool:
    path = maven_dir() / artifact.path
    return path.exists() and sha256_of(path) == artifact.sha256


def sha256_of(path: Path) -> str:
    """The hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _download_all(artifacts: list[Artifact]) -> None:
    # Late: every command imports this module, few download.
    from jgo.maven import MavenContext, PythonResolver
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    total = sum(artifact.size_bytes for artifact in artifacts)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns) as progress:
        task = progress.add_task(f"Java artifacts ({len(artifacts)} files)", total=total)

        @contextlib.contextmanager
        def report(_name: str, _size: int) -> Iterator[Callable[[int], None]]:
            yield lambda size: progress.advance(task, size)

        context = MavenContext(
            resolver=PythonResolver(progress_callback=report),
            repo_cache=maven_dir(),
            timeout=DOWNLOAD_TIMEOUT_SECONDS,
        )
        with ThreadPoolExecutor(DOWNLOAD_THREADS) as pool:
            for _ in pool.map(lambda artifact: _download(context, artifact), artifacts):
                pass


def _download(context: MavenContext, artifact: Artifact) -> None:
    group_id, name, packaging, *classifier, version = artifact.coordinate.split(":")
    wanted = (
        context.project(group_id, name).at_version(version).artifact(classifier[0] if classifier else "", packaging)
    )
    path = maven_dir() / artifact.path
    for attempt in range(1, _ATTEMPTS + 1):
        # jgo writes in place: what an interrupted download left behind looks finished to it.
        path.unlink(missing_ok=True)
        try:
            wanted.resolve()
        except (requests.RequestException, RuntimeError):
            if attempt == _ATTEMPTS:
                raise
            continue
        if sha256_of(path) == artifact.sha256:
            return
    found = sha256_of(path)
    path.unlink(missing_ok=True)
    raise EnvironmentFailed(
        f"{artifact.coordinate}: SHA-256 is {found}, the lock file says {artifact.sha256}; "
        "something between here and the repository changes files, or the lock file is wrong"
    )


@contextlib.contextmanager
def _exclusive() -> Iterator[None]:
    """One process at a time fills the cache."""
    cache_dir().mkdir(parents=True, exist_ok=True)
    with (cache_dir() / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except requests.RequestException as error:
        raise EnvironmentFailed(
            f"cannot download Java artifacts: {error}; check the network and the proxy settings "
            "(HTTPS_PROXY, REQUESTS_CA_BUNDLE), then run the command again"
        ) from error
    except OSError as error:
        raise EnvironmentFailed(
            f"cannot fill the cache {cache_dir()}: {error.strerror or error}; free some space there "
            "or point XDG_CACHE_HOME to another disk"
        ) from error
    except RuntimeError as error:  # jgo's way to say that no repository has the file
        raise EnvironmentFailed(f"cannot download Java artifacts: {error}") from error
