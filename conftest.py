"""What pytest loads for all tests. Plugins can only be named here, at the top."""

from __future__ import annotations

pytest_plugins = ["slo.pytest_plugin", "pytester"]
