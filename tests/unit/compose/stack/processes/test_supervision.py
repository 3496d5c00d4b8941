"""A supervisord that hangs is told by name; one that has ended is gone, whatever its parent is."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from compose.stack.layout import Layout
from compose.stack.processes import supervision
from compose.stack.processes.supervision import Supervisor
from tests.integration.waiting import eventually

CARELESS = "import subprocess, sys; kept = subprocess.Popen(['true']); print(kept.pid, flush=True); sys.stdin.read()"
"""An object that nobody holds waits for its process when it is deleted, if that has ended by then."""


@pytest.fixture
def hanging(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Supervisor]:
    """Its socket takes connections, as that of a stopped process does, and nothing is ever answered."""
    monkeypatch.setattr(supervision, "ANSWER_SECONDS", 0.2)
    layout = Layout.of(tmp_path)
    layout.socket.parent.mkdir(parents=True, exist_ok=True)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(layout.socket))
        listening.listen()
        yield Supervisor(layout, os.getpid())


def test_one_that_hangs_does_not_answer(hanging: Supervisor) -> None:
    assert not hanging.answers()


def test_one_that_hangs_is_named(hanging: Supervisor) -> None:
    with pytest.raises(TimeoutError, match=r"supervisord at .* has not answered for 0.2 s"):
        hanging.processes()


@pytest.fixture
def ended(tmp_path: Path) -> Iterator[Supervisor]:
    """One that has ended and that its parent, another process, has not waited for."""
    with subprocess.Popen(
        [sys.executable, "-c", CARELESS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        eventually("it has ended", lambda: psutil.Process(pid).status() == psutil.STATUS_ZOMBIE, 10)
        yield Supervisor(Layout.of(tmp_path), pid)
        parent.kill()


def test_one_that_its_parent_has_not_waited_for_is_gone(ended: Supervisor) -> None:
    """`adctr down` beside the command that started the stack took 40 s longer."""
    assert ended.shutdown(timeout_seconds=0.0)


def test_one_of_ours_is_waited_for(tmp_path: Path) -> None:
    child = subprocess.Popen(["true"])
    assert Supervisor(Layout.of(tmp_path), child.pid).shutdown(timeout_seconds=20.0)
    assert not psutil.pid_exists(child.pid)
    child.wait()


def test_one_that_goes_on_is_not(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as child:
        assert not Supervisor(Layout.of(tmp_path), child.pid).shutdown(timeout_seconds=0.0)
        child.kill()
