"""What pytest loads for all tests. Plugins can only be named here, at the top."""

from __future__ import annotations

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

pytest_plugins = ["slo.pytest_plugin", "pytester"]

_COMMON_STACK = "tests/integration"
_STACK_OF_ITS_OWN = (f"{_COMMON_STACK}/test_recovery.py",)


class OneCommonStack(LoadScopeScheduling):
    """Side by side run files, except that whatever shares the session's stack stays in one process, in order."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return _COMMON_STACK if file.startswith(_COMMON_STACK) and file not in _STACK_OF_ITS_OWN else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> OneCommonStack:
    """Marks as `--dist loadgroup` reads them would do, if pytest-xdist 3.8 could rename tests of pytest 9.2."""
    return OneCommonStack(config, log)
