"""A copy of the tree, in which a guard can be removed."""

from __future__ import annotations

import shutil
import site
import venv
from pathlib import Path

import pytest

from tests.controls.guards import ROOT

PARTS = ("pipeline", "loadgen", "slo", "dashboards", "compose", "tests", "conftest.py", "pyproject.toml")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tree with a Python of its own, which has all packages, and ours from the copy."""
    root = tmp_path_factory.mktemp("copy")
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, root / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, root)
    environment = root / ".venv"
    venv.create(environment, symlinks=True)
    packages = next(environment.glob("lib/python*/site-packages"))
    shared = [f"import site; site.addsitedir({path!r})\n" for path in site.getsitepackages()]
    (packages / "copy.pth").write_text("".join([f"{root}\n", *shared]), encoding="utf-8")
    return root
