"""What commands that start stacks leave behind, and what they do to each other."""

from __future__ import annotations

import os
import signal
import tempfile
import threading
from pathlib import Path

import pytest

from compose.process.errors import EnvironmentFailed, UsageError
from compose.stack import lifecycle
from compose.stack.layout import Layout
from compose.stack.lifecycle import bring_up, take_down, temporary_stack, throwaway_directory
from compose.stack.ports import PortChoice
from pipeline.settings import Settings, SettingsError


def test_two_commands_do_not_share_a_throwaway_directory(tmp_path: Path) -> None:
    """The second would remove the first one's stack with the directory."""
    with throwaway_directory(tmp_path / "bench") as layout:
        (layout.root / "state").write_text("of the first", encoding="utf-8")
        with (
            pytest.raises(EnvironmentFailed, match=r"another command is at work in .*bench"),
            throwaway_directory(tmp_path / "bench"),
        ):
            pass
        layout.record.write_text("{}", encoding="utf-8")
        with pytest.raises(EnvironmentFailed, match="another command"), throwaway_directory(tmp_path / "bench"):
            pass
        assert (layout.root / "state").exists()
    assert not (tmp_path / "bench").exists()
    with throwaway_directory(tmp_path / "bench"):
        pass


def test_a_directory_with_a_stack_of_somebody_else_stays_as_it_is(tmp_path: Path) -> None:
    layout = Layout.of(tmp_path / "data")
    layout.root.mkdir()
    layout.record.write_text("{}", encoding="utf-8")
    with pytest.raises(UsageError, match="holds another stack"), throwaway_directory(layout.root):
        pass
    assert [each.name for each in layout.root.iterdir()] == ["stack.json"]


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with (
        pytest.raises(EnvironmentFailed, match=r"data directory .*file/bench: Not a directory"),
        throwaway_directory(tmp_path / "file" / "bench"),
    ):
        pass


def test_a_refused_start_leaves_no_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the path is too long for a socket, the socket is in a folder of its own below /tmp."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    data = tmp_path / "long" / ("x" * 80)
    folder = Layout.of(data).socket.parent
    assert folder.parent == tmp_path
    with pytest.raises(SettingsError):
        bring_up(data, PortChoice.AUTO, False, lambda _: None, {"ADCTR_PARALLELISM": "0"})
    assert not folder.exists()


def test_a_start_that_is_refused_beside_another_leaves_the_other_s_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    layout = Layout.of(tmp_path / "long" / ("x" * 80))
    layout.create()
    with lifecycle._exclusive(layout), pytest.raises(EnvironmentFailed, match="another `adctr up`"):
        bring_up(layout.root, PortChoice.AUTO, False, lambda _: None, {})
    assert layout.socket.parent.exists()


def test_an_interrupt_does_not_end_the_clean_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second Ctrl-C, or one at the very end of a command, left half a stack."""
    done: list[str] = []

    def take_down(_layout: Layout) -> int:
        for each in (signal.SIGINT, signal.SIGTERM):
            os.kill(os.getpid(), each)
        done.append("down")
        return 0

    monkeypatch.setattr(lifecycle, "take_down", take_down)
    monkeypatch.setattr(lifecycle, "_start", lambda *_, **__: Settings())
    before = signal.getsignal(signal.SIGINT)
    with temporary_stack(tmp_path / "data", PortChoice.AUTO, False, lambda _: None):
        pass
    assert done == ["down"]
    assert signal.getsignal(signal.SIGINT) is before


def test_the_second_of_two_that_end_a_stack_waits_for_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both would remove the same files."""
    layout = Layout.of(tmp_path / "data")
    layout.run.mkdir(parents=True)
    began, may_end, ended = threading.Event(), threading.Event(), list[str]()

    def end_slowly(_layout: Layout) -> int:
        if not began.is_set():
            began.set()
            may_end.wait(30)
            ended.append("first")
        else:
            ended.append("second")
        return 0

    monkeypatch.setattr(lifecycle, "_take_down", end_slowly)
    threads = [threading.Thread(target=take_down, args=(layout,)) for _ in range(2)]
    threads[0].start()
    assert began.wait(30)
    threads[1].start()
    threads[1].join(0.2)
    assert ended == []
    may_end.set()
    for thread in threads:
        thread.join(30)
    assert ended == ["first", "second"]


def test_nothing_is_made_where_there_is_no_stack(tmp_path: Path) -> None:
    assert take_down(Layout.of(tmp_path / "data")) == 0
    assert not (tmp_path / "data").exists()
