"""The objectives of the benchmarks, and what their report leaves out."""

from __future__ import annotations

from typing import Any

import pytest

from slo.spec.model import Specification
from tests.bench.objectives import specification


@pytest.fixture(scope="session")
def slo_specification() -> Specification:
    return specification()


def pytest_benchmark_update_json(output_json: dict[str, Any]) -> None:
    """Raw samples are 13 MB; their percentiles stand in each benchmark's ``extra_info``."""
    for benchmark in output_json["benchmarks"]:
        del benchmark["stats"]["data"]
