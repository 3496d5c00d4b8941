"""Builds the project's image: ``python -m compose.docker.image``."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from compose.docker.compose_file import HERE
from compose.docker.names import PROJECT_IMAGE
from compose.process.errors import EnvironmentFailed
from compose.process.guard import run_guarded

ROOT = HERE.parent.parent
_OWN_CERTIFICATES = Path("/usr/local/share/ca-certificates")
"""Where Debian has those that somebody added to the machine: its network may be one that looks into TLS."""


def build() -> None:
    """The image. Raises EnvironmentFailed where there is no engine, or the build fails."""
    _build_from_here(PROJECT_IMAGE)


def build_packages(tag: str) -> None:
    """What the image is built upon: the packages of the lock files, without the project."""
    _build_from_here(tag, "--target", "packages")


def _build_from_here(tag: str, *options: str) -> None:
    certificates = "\n".join(file.read_text() for file in sorted(_OWN_CERTIFICATES.glob("*.crt")))
    docker_build(tag, ROOT, HERE / "Dockerfile", {"CA_CERTIFICATES": certificates}, options)


def docker_build(
    tag: str, context: Path, file: Path, arguments: Mapping[str, str], options: Sequence[str] = ()
) -> None:
    """``docker build``. Raises EnvironmentFailed with the end of what it said."""
    told = [part for key, value in arguments.items() for part in ("--build-arg", f"{key}={value}")]
    command = ["docker", "build", "--tag", tag, "--file", str(file), *told, *options, str(context)]
    try:
        ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    except FileNotFoundError:
        raise EnvironmentFailed("there is no docker on PATH; install Docker with Compose 2.24 or later") from None
    if ended.returncode != 0:
        raise EnvironmentFailed(f"image {tag} cannot be built:\n{ended.stdout[-4000:]}")


if __name__ == "__main__":
    raise SystemExit(run_guarded(build))
