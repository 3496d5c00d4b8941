"""`make artifacts`: a file that the wheel lacks is found, and what the sdist lacks as well."""

from __future__ import annotations

import importlib.util
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[3]


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("artifacts", ROOT / ".ci" / "artifacts.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


artifacts = _load()


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The files of the wheel, built from a checkout as it is."""
    wheel = artifacts.build_checked(tmp_path_factory.mktemp("work"), tmp_path_factory.mktemp("dist"))
    names: list[str] = zipfile.ZipFile(wheel).namelist()
    return names


def test_the_wheel_has_sources_and_data_of_every_package(shipped: list[str]) -> None:
    """Java's sources among them, and the dashboards of both kinds; no tests."""
    for suffix in (".java", ".sql", ".lua", ".avsc", ".j2", ".json", ".streamlit/config.toml", "META-INF/services"):
        assert [name for name in shipped if suffix in name], suffix
    assert not [name for name in shipped if name.startswith(("tests", "docs"))]


def test_a_file_that_the_wheel_lacks_is_named(shipped: list[str]) -> None:
    known = [*shipped, "pipeline/new.lua", "docs/page.md", "compose/docker/Dockerfile"]
    assert artifacts.missing(shipped, known) == ["pipeline/new.lua"]
