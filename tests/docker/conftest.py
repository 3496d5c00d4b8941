"""Images are built once for all tests with containers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docker.engine import build_images, require_engine


@pytest.fixture(scope="session")
def more_files() -> list[Path]:
    """What is laid over the Compose file: stand-ins for official images, where they are wanted."""
    require_engine()
    return build_images()
