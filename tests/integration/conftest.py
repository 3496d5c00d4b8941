"""One real stack for all integration tests of a session: starting one costs half a minute."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from compose.stack.layout import Layout
from compose.stack.lifecycle import bring_up, take_down
from compose.stack.ports import PortChoice
from compose.stack.processes.owner import owning
from pipeline.settings import Settings


@dataclass(frozen=True)
class RunningStack:
    """A stack with free ports. A test that stops something has it running again when it ends."""

    data_dir: Path
    settings: Settings

    @property
    def layout(self) -> Layout:
        return Layout.of(self.data_dir)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """Fails, rather than skips, where the stack cannot run."""
    # As `adctr up` does it: with exporters, and with Prometheus and the others where they are on PATH. The page has
    # tests of its own.
    data_dir = tmp_path_factory.mktemp("stack")
    layout = Layout.of(data_dir)
    layout.create()
    with owning(layout):
        settings = bring_up(
            data_dir, PortChoice.AUTO, historic=False, say=_say, environ={}, dashboard=False, monitoring=True
        )
        try:
            yield RunningStack(data_dir, settings)
        finally:
            take_down(layout)


@pytest.fixture(scope="session")
def settings(stack: RunningStack) -> Settings:
    """Addresses and passwords of the running stack."""
    return stack.settings


def _say(line: str) -> None:
    print(line, file=sys.stderr)
