"""`adctr down` and `status` where the supervisor is down or a process does not end."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from compose.cli import stack as cli
from compose.process.errors import EnvironmentFailed
from compose.stack.layout import STACK_DIR_VARIABLE, Layout
from compose.stack.passwords import Passwords
from compose.stack.ports import Ports, is_free
from compose.stack.processes import orphans
from compose.stack.services import redis_server
from compose.stack.status import status
from tests.integration.waiting import eventually

if TYPE_CHECKING:
    from typer import Context


@pytest.fixture
def orphan(tmp_path: Path) -> Iterator[tuple[Layout, subprocess.Popen[bytes]]]:
    """A process with the mark of a stack that has no supervisor."""
    layout = Layout.of(tmp_path / "data")
    layout.create()
    environment = {**os.environ, STACK_DIR_VARIABLE: str(layout.root)}
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], env=environment)
    try:
        yield layout, process
    finally:
        process.kill()
        process.wait()


def test_status_tells_what_runs_on_without_a_supervisor(orphan: tuple[Layout, subprocess.Popen[bytes]]) -> None:
    """Not that no stack is running: its processes hold ports and files."""
    layout, process = orphan
    with pytest.raises(EnvironmentFailed, match=rf"supervisor .* is down and 1 .*\({process.pid}\)"):
        status(layout)


def test_down_names_what_has_not_ended(
    orphan: tuple[Layout, subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that no signal reaches (here: that nobody sends one to) is no success."""
    layout, process = orphan
    monkeypatch.setattr(orphans, "end", lambda _: 0)
    with pytest.raises(EnvironmentFailed, match=rf"have not ended: \S+ \({process.pid}\)"):
        cli.down(cast("Context", SimpleNamespace(obj=layout.root)))


def test_down_ends_what_is_left_and_says_that_the_state_is_kept(
    orphan: tuple[Layout, subprocess.Popen[bytes]], capsys: pytest.CaptureFixture[str]
) -> None:
    """Where nothing ran, it says that instead."""
    layout, _ = orphan
    cli.down(cast("Context", SimpleNamespace(obj=layout.root)))
    assert orphans.find(layout) == []
    said = capsys.readouterr().err
    assert "ended 1 processes" in said
    assert f"stopped the stack in {layout.root}; its state is kept there" in said
    cli.down(cast("Context", SimpleNamespace(obj=layout.root)))
    assert capsys.readouterr().err == f"no stack is running in {layout.root}\n"


def test_down_finds_a_redis_as_well(tmp_path: Path) -> None:
    """It would write its title over the environment, and the mark with it."""
    layout = Layout.of(tmp_path / "data")
    layout.create()
    layout.of_service("redis").mkdir()
    port = Ports.free().redis
    file = layout.run / "redis.conf"
    file.write_text(redis_server.config(layout, port, Passwords.load_or_create(layout), 0))
    environment = {**os.environ, STACK_DIR_VARIABLE: str(layout.root)}
    server = subprocess.Popen([redis_server.newest_server(), file], env=environment, stdout=subprocess.DEVNULL)
    try:
        eventually("Redis listens", lambda: not is_free(port), 10)
        assert [each.pid for each in orphans.find(layout)] == [server.pid]
        assert orphans.end(layout) == 1
    finally:
        server.kill()
        server.wait()
