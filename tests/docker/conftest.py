"""Images are built once for all tests with containers; the integration tests get a stack of containers for theirs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from compose.stack.state import REMOTE, STACK_VARIABLE
from pipeline.settings import Settings
from tests.docker.compose_stack import compose_stack
from tests.docker.engine import build_images, left_of, require_engine
from tests.integration.conftest import RunningStack

INTEGRATION = Path(__file__).parent.parent / "integration"
PROJECT = "adctr-integration"


class IntegrationTests(pytest.File):
    """The files of tests/integration, found a second time: here they see the fixtures of this directory."""

    def collect(self) -> Iterator[pytest.Module]:
        for path in sorted(INTEGRATION.glob("test_*.py")):
            yield pytest.Module.from_parent(self, path=path, nodeid=f"{self.nodeid}/{path.name}")


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    if module_path == Path(__file__).with_name("test_integration.py"):
        return IntegrationTests.from_parent(parent, path=module_path)
    return None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    left_out = pytest.mark.skip(reason="about the embedded stack's own processes")
    for item in items:
        if item.get_closest_marker("embedded") and any(
            isinstance(each, IntegrationTests) for each in item.iter_parents()
        ):
            item.add_marker(left_out)


@pytest.fixture(scope="session")
def more_files() -> list[Path]:
    """What is laid over the Compose file: stand-ins for official images, where they are wanted."""
    require_engine()
    return build_images()


@pytest.fixture(scope="session")
def stack(more_files: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """What the integration tests run against, and commands that they start: the stack that the environment names."""
    directory = tmp_path_factory.mktemp("containers")
    (directory / "data").mkdir()
    with (
        compose_stack(PROJECT, ["core"], more_files, directory) as running,
        pytest.MonkeyPatch.context() as environment,
    ):
        for key, value in {**running.settings.to_env(), STACK_VARIABLE: REMOTE}.items():
            environment.setenv(key, value)
        yield RunningStack(directory / "data", running.settings)
    assert left_of(PROJECT) == []


@pytest.fixture(scope="session")
def settings(stack: RunningStack) -> Settings:
    """Addresses and passwords of the running stack."""
    return stack.settings
