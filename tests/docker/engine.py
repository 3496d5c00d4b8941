"""A Docker engine, and the images that tests run on it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from compose.docker import image

STAND_INS = Path(__file__).with_name("stand_ins")
PACKAGES_IMAGE = "adctr-packages:test"
STAND_INS_IMAGE = "adctr-stand-ins:test"
OFFICIAL = "ADCTR_OFFICIAL_IMAGES"


def require_engine() -> None:
    """Skips where no engine answers; fails with ADCTR_REQUIRE_DOCKER=1."""
    try:
        asked = subprocess.run(["docker", "compose", "ls"], capture_output=True, text=True, check=False, timeout=30)
        reason = asked.stderr.strip()
        if asked.returncode == 0:
            return
    except (OSError, subprocess.SubprocessError) as error:
        reason = str(error)
    message = f"no Docker engine with Compose answers: {reason}"
    if os.environ.get("ADCTR_REQUIRE_DOCKER") == "1":
        pytest.fail(message)
    pytest.skip(message)


def build_images() -> list[Path]:
    """The project's image and, but for ADCTR_OFFICIAL_IMAGES=1, stand-ins for the official ones; more Compose files."""
    image.build()
    if os.environ.get(OFFICIAL) == "1":
        return []
    image.build_packages(PACKAGES_IMAGE)
    image.docker_build(STAND_INS_IMAGE, STAND_INS, STAND_INS / "Dockerfile", {"PACKAGES_IMAGE": PACKAGES_IMAGE})
    return [STAND_INS / "compose.yaml"]


def left_of(project: str) -> list[str]:
    """Containers, volumes and networks of a Compose project, also stopped and unused ones."""
    label = f"label=com.docker.compose.project={project}"
    found = []
    for kind in (["container", "ls", "--all"], ["volume", "ls"], ["network", "ls"]):
        listed = subprocess.run(
            ["docker", *kind, "--quiet", "--filter", label], capture_output=True, text=True, check=True
        )
        found += [f"{kind[0]} {each}" for each in listed.stdout.split()]
    return found
