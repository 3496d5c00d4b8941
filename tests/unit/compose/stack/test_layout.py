"""The paths of a stack: absolute, harmless in every configuration file, short enough for a socket."""

import os
from pathlib import Path

import pytest

from compose.process.errors import EnvironmentFailed, UsageError
from compose.stack.layout import SOCKET_PATH_LIMIT, Layout, write_private


@pytest.mark.parametrize("name", ['a"b', "a'b", "a:b", "a%b", "a,b", "a$b", "a\nb"])
def test_awkward_characters_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match="--data-dir"):
        Layout.of(Path("/tmp") / name)


def test_spaces_and_umlauts_are_fine(tmp_path: Path) -> None:
    layout = Layout.of(tmp_path / "meine Dätén")
    layout.create()
    assert layout.logs.is_dir()
    assert layout.run.stat().st_mode & 0o777 == 0o700


def test_a_long_path_gets_its_socket_elsewhere(tmp_path: Path) -> None:
    """In a private directory, another one for each stack."""
    one, other = Layout.of(tmp_path / ("x" * 120)), Layout.of(tmp_path / ("y" * 120))
    assert len(os.fsencode(one.socket)) <= SOCKET_PATH_LIMIT
    assert one.socket != other.socket
    one.create()
    assert one.socket.parent.stat().st_mode & 0o777 == 0o700
    one.socket.parent.rmdir()


def test_a_relative_path_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Layout.of(Path("data")).root == tmp_path / "data"


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentFailed, match="file"):
        Layout.of(tmp_path / "file" / "data").create()


def test_private_files_are_private_even_if_they_were_not(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, "new")
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o600
