"""A contender's process: what it says is shown only when it matters."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.settings import Settings
from slo.bench.peers.process_contender import ProcessContender
from tests.integration.waiting import eventually

TALKS = """
import sys, time
print("a traceback", file=sys.stderr, flush=True)
open(sys.argv[1], "w").close()
time.sleep(float(sys.argv[2]))
"""


def _contender(tmp_path: Path, sleeps: float) -> ProcessContender:
    (tmp_path / "talks.py").write_text(TALKS, encoding="utf-8")
    arguments = (str(tmp_path / "said"), str(sleeps))
    return ProcessContender("talks", "talks", Settings(), arguments, {"PYTHONPATH": str(tmp_path)})


def _give_up_on(contender: ProcessContender, said: Path) -> None:
    with contender.running():
        eventually("it has spoken", said.exists)
        raise TimeoutError


def test_one_that_is_ended_when_all_is_counted_says_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with _contender(tmp_path, 600).running() as processes:
        eventually("it has spoken", (tmp_path / "said").exists)
    assert not processes["talks"].is_running()
    assert capsys.readouterr().err == ""


def test_one_that_ends_by_itself_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with _contender(tmp_path, 0).running() as processes:
        processes["talks"].wait()
    assert capsys.readouterr().err == "a traceback\n"


def test_one_that_was_of_no_use_says_what_it_did(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(TimeoutError):
        _give_up_on(_contender(tmp_path, 600), tmp_path / "said")
    assert capsys.readouterr().err == "a traceback\n"
