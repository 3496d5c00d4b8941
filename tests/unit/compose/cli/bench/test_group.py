"""What the benchmarks refuse before they start a stack, and the page made of what they print."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from compose.cli.bench import peers
from compose.cli.main import _register_commands, app
from compose.process.errors import EnvironmentFailed, UsageError
from compose.stack.layout import Layout
from compose.stack.processes.process_identity import ProcessIdentity
from tests.unit.slo.bench.test_peers import _result, _run

_register_commands()


def run(*arguments: str) -> None:
    app(["bench", *arguments], standalone_mode=False)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("capacity", "--from", "2000", "--to", "1000"), "--from, --to, --resolution: from 2000 to 1000"),
        (("capacity", "--out", "curve.svg"), "must end in .html"),
        (("capacity", "--out", "nowhere/curve.html"), "there is no directory nowhere"),
        (("cost", "--rates", "5000,many"), "--rates '5000,many': must be whole numbers"),
        (("cost", "--campaigns", "0"), "--campaigns '0'"),
        (("cost", "--rates", "", "--campaigns", "", "--parallelism", ""), "nothing to measure"),
        (("peers", "--contenders", "adctr,faust"), "allowed are adctr, loop, quix, pyflink"),
        (("peers", "--out", "peers.svg"), "must end in .html"),
        (("report", "nowhere.json"), "nowhere.json: "),
        (("soak", "--out", "soak.pdf"), "soak.pdf: must end in one of .html, .json"),
        (("soak", "--save", "nowhere/soak.recording"), "there is no directory nowhere"),
        (("soak", "--spec", "nowhere.yaml"), "nowhere.yaml"),
    ],
)
def test_a_mistake_is_named_before_anything_starts(arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        run(*arguments)


def test_a_soak_that_the_disk_has_no_room_for_is_not_begun(tmp_path: Path) -> None:
    """A million events a second for a year."""
    with pytest.raises(EnvironmentFailed, match="this soak needs"):
        app(
            ["--data-dir", str(tmp_path / "data"), "bench", "soak", "--minutes", "525600", "--rate", "1000000"],
            standalone_mode=False,
        )
    assert not (tmp_path / "data" / "bench-soak").exists()


@pytest.mark.parametrize("bench", ["generator", "drain", "raw-copy"])
def test_a_benchmark_that_is_refused_leaves_the_running_one_alone(bench: str, tmp_path: Path) -> None:
    layout = Layout.of(tmp_path / f"bench-{bench}")
    layout.create()
    layout.supervisor_pid.write_text(json.dumps(ProcessIdentity.of(os.getpid()).as_json()), encoding="utf-8")
    with pytest.raises(EnvironmentFailed, match="already running"):
        app(["--data-dir", str(tmp_path), "bench", bench], standalone_mode=False)
    assert layout.supervisor_pid.exists()


def test_a_peer_that_is_not_installed_is_named_with_the_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match="run `make peers`"):
        run("peers")


def test_the_report_is_a_page_for_the_docs_or_for_a_browser(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "peers.json"
    file.write_text(json.dumps(_result(_run("adctr", 500), _run("loop", 100)).as_json()), encoding="utf-8")
    run("report", str(file))
    assert capsys.readouterr().out.startswith("# Benchmarks\n")
    run("report", str(file), "--format", "html")
    assert capsys.readouterr().out.startswith("<!doctype html>")


@pytest.mark.parametrize("text", ["no JSON", "[]", "{}", '{"benchmark": "peers"}'])
def test_a_file_that_is_no_benchmark_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "odd.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError):
        run("report", str(file))
