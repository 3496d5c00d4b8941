"""What pytest loads for all tests. Plugins can only be named here, at the top."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

pytest_plugins = ["slo.pytest_plugin", "pytester"]

_ON_A_STACK = "tests/integration/"

# `make test` generates the same each time. `make test-long` generates more, and other things each time; a
# failure prints how to repeat it (`@reproduce_failure`).
settings.register_profile("quick", deadline=None, database=None, derandomize=True, max_examples=60)
settings.register_profile("long", deadline=None, database=None, print_blob=True, max_examples=2_000)


def pytest_configure(config: pytest.Config) -> None:
    """Chooses how much is generated."""
    marks = config.option.markexpr
    settings.load_profile("long" if "long" in marks and "not long" not in marks else "quick")


class FilesSideBySide(LoadScopeScheduling):
    """Files run side by side; those on a stack one after the other, first of all: a second stack starves the first."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return _ON_A_STACK if file.startswith(_ON_A_STACK) else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> FilesSideBySide:
    """Marks as `--dist loadgroup` reads them would do, if pytest-xdist 3.8 could rename tests of pytest 9.2."""
    return FilesSideBySide(config, log)
