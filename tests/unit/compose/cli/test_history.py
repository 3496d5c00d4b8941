"""`--history FILE`: which commands have it, what it refuses, and what is in the file afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from compose.cli.commands import BENCH, COMMANDS
from compose.cli.lazy import Place, Places
from compose.cli.main import app
from compose.process.errors import UsageError
from slo import json_lines
from tests.unit.slo.test_compare import latencies
from tests.unit.slo.test_compare import run as recording


def places() -> Iterator[tuple[tuple[str, ...], Place]]:
    for name, place in COMMANDS.items():
        if isinstance(place, Places):
            yield from (((name, inner), each) for inner, each in place.commands.items())
        else:
            assert isinstance(place, Place)
            yield (name,), place


WITH_HISTORY = {words: place for words, place in places() if place.history}


def run(data_dir: Path, *arguments: str) -> int:
    return int(app(["--data-dir", str(data_dir), *arguments], standalone_mode=False))


def test_every_verdict_and_every_benchmark_has_it() -> None:
    verdicts = {
        ("slo", "check"),
        ("slo", "compare"),
        ("slo", "drill"),
        ("chaos", "run"),
        ("chaos", "random"),
        ("demo",),
    }
    assert set(WITH_HISTORY) == verdicts | {("bench", name) for name in BENCH if name != "report"}


@pytest.mark.parametrize("words", WITH_HISTORY, ids=" ".join)
def test_a_file_that_cannot_be_written_to_is_refused_before_anything_begins(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    arguments = ("a", "b") if words == ("slo", "compare") else ()
    with pytest.raises(UsageError, match=r"--history .*nowhere/history.jsonl: there is no directory"):
        run(tmp_path / "data", *words, *arguments, "--history", str(tmp_path / "nowhere" / "history.jsonl"))
    with pytest.raises(UsageError, match=r"--history .*: cannot be written"):
        run(tmp_path / "data", *words, *arguments, "--history", str(tmp_path))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", WITH_HISTORY, ids=" ".join)
def test_what_such_a_command_shows_is_noted(words: tuple[str, ...]) -> None:
    """A command that printed its figures by itself would leave no line."""
    module = import_module(f"compose.cli.{WITH_HISTORY[words].where.split(':')[0]}")
    assert {"show", "report", "report_figures"} & set(vars(module)), module.__name__


def test_each_run_adds_a_line_with_its_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a, b, history = tmp_path / "a", tmp_path / "b", tmp_path / "history.jsonl"
    recording(latencies(1)).save(a)
    recording(latencies(2) * 2).save(b)
    codes = [run(tmp_path, "slo", "compare", str(a), str(each), "--history", str(history)) for each in (a, b)]
    assert "worse" in capsys.readouterr().out
    lines = json_lines.read(history)
    assert [line["exit_code"] for line in lines] == codes == [0, 1]
    assert [line["figures"]["worse"] for line in lines] == [False, True]
    assert lines[1]["command"] == "slo compare"
    assert lines[1]["options"] == {"a": str(a), "b": str(b), "format_": "text"}
    assert lines[1]["seed"] is None


def test_what_came_to_no_verdict_leaves_no_line(tmp_path: Path) -> None:
    history = tmp_path / "history.jsonl"
    assert run(tmp_path, "slo", "drill", "--history", str(history)) == 0
    assert not history.exists()
