"""dbt, which is not among the tests' packages, and a database to run it on.

Without it these tests are skipped, unless ADCTR_REQUIRE_WAREHOUSE=1: `make test-warehouse` installs it and says so.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from compose.cli import warehouse
from compose.process.errors import EnvironmentFailed
from tests.bare_postgres import BarePostgres
from tests.unit.pipeline.store.conftest import fresh_database, roles_server
from tests.warehouse.builds import Builds

__all__ = ["roles_server"]


@pytest.fixture(scope="session")
def dbt() -> str:
    try:
        return warehouse.program()
    except EnvironmentFailed as error:
        if os.environ.get("ADCTR_REQUIRE_WAREHOUSE") == "1":
            pytest.fail(str(error))
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def builds(dbt: str, roles_server: BarePostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Builds]:
    """A database of one module's own, in which the tests follow each other."""
    state: Path = tmp_path_factory.mktemp("warehouse")
    with fresh_database(roles_server) as settings:
        yield Builds(dbt, settings, state)
