"""Tests of generated input: a small budget in `make test`, a large one in `make test-long` (conftest.py has both)."""

from __future__ import annotations

import pytest

BUDGETS = pytest.mark.parametrize("budget", ["quick", pytest.param("long", marks=pytest.mark.long)])
"""The profile is chosen for the whole run; this puts a test into both."""
