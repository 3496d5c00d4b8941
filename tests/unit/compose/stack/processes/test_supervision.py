"""A supervisord that hangs is told by name; no command waits for it forever."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from compose.stack.layout import Layout
from compose.stack.processes import supervision
from compose.stack.processes.supervision import Supervisor


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
