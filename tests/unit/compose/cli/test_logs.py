"""Following a log over its rotation."""

from __future__ import annotations

import io
from pathlib import Path

from compose.cli.main import catch_up


class RotatedWhileRead(io.StringIO):
    """A log that gets its last line, and its successor, right after it was read to its end."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._file = path.open(encoding="utf-8")
        self._rotated = False

    def fileno(self) -> int:
        """The real file's."""
        return self._file.fileno()

    def read(self, _size: int | None = -1) -> str:
        """The real file's text; then the rotation."""
        text = self._file.read()
        if not self._rotated:
            self._rotated = True
            with self._path.open("a", encoding="utf-8") as log:
                log.write("the last line\n")
            self._path.rename(self._path.with_suffix(".log.1"))
            self._path.write_text("the next file\n", encoding="utf-8")
        return text


def test_the_last_lines_before_a_rotation_are_printed(tmp_path: Path) -> None:
    """They were written between the look at the old file and the look for a new one."""
    path = tmp_path / "kafka.log"
    path.write_text("a line\n", encoding="utf-8")
    text, file = catch_up(path, RotatedWhileRead(path))
    assert text == "a line\nthe last line\n"
    assert catch_up(path, file) == ("the next file\n", file)
    file.close()


def test_a_log_that_is_not_rotated_is_read_on(tmp_path: Path) -> None:
    """Also while it has no name for a moment."""
    path = tmp_path / "kafka.log"
    path.write_text("a line\n", encoding="utf-8")
    with path.open(encoding="utf-8") as file:
        assert catch_up(path, file) == ("a line\n", file)
        path.unlink()
        assert catch_up(path, file) == ("", file)
