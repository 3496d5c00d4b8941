"""Lines of JSON outlive a process that is killed in the middle of one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from slo import json_lines


def test_lines_are_read_in_their_order(tmp_path: Path) -> None:
    file = tmp_path / "lines"
    assert json_lines.read(file) == []
    for number in range(3):
        json_lines.append(file, {"number": number})
    assert json_lines.read(file) == [{"number": 0}, {"number": 1}, {"number": 2}]


@pytest.mark.parametrize("kept", range(1, 14))
def test_a_line_that_was_cut_off_anywhere_spoils_no_other(tmp_path: Path, kept: int) -> None:
    file, first, second = tmp_path / "lines", {"number": 1}, {"number": 2}
    json_lines.append(file, first)
    whole = file.read_bytes()
    file.write_bytes(whole + whole[:kept])
    json_lines.append(file, second)
    read = json_lines.read(file)
    assert (read[0], read[-1]) == (first, second)
    assert file.read_bytes().endswith(b"\n")


def test_what_json_has_no_word_for_is_null_and_a_path_is_text(tmp_path: Path) -> None:
    file = tmp_path / "lines"
    json_lines.append(file, {"never": float("nan"), "more": [float("inf"), 1.5, (True, None)], "at": Path("here")})
    (line,) = file.read_text(encoding="utf-8").splitlines()

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    found = json.loads(line, parse_constant=refuse)
    assert found == {"never": None, "more": [None, 1.5, [True, None]], "at": "here"}
