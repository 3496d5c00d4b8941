"""What a line of the history says."""

from __future__ import annotations

from pathlib import Path

import pytest

from slo import checkout, json_lines
from slo.checkout import Checkout, GitFailed
from slo.history import HistoryEntry


def test_a_line_has_code_machine_load_seed_and_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkout, "checkout_of", lambda _: Checkout(tmp_path, "a" * 40, "123"))
    entry = HistoryEntry.begin("bench drain", {"events": 5}, 1)
    entry.append(tmp_path / "history", {"verdict": "pass"}, 0)
    (line,) = json_lines.read(tmp_path / "history")
    assert {key: line[key] for key in ("command", "options", "commit", "dirty", "seed", "exit_code", "figures")} == {
        "command": "bench drain",
        "options": {"events": 5},
        "commit": "a" * 40,
        "dirty": True,
        "seed": 1,
        "exit_code": 0,
        "figures": {"verdict": "pass"},
    }
    assert {"at", "seconds"} <= set(line)
    assert {"cores", "cpu", "kernel"} <= set(line["machine"])
    assert set(line["load"]) == {"began", "ended"}


def test_code_that_is_no_checkout_has_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> Checkout:
        raise GitFailed("git can't be run")

    monkeypatch.setattr(checkout, "checkout_of", refuse)
    line = HistoryEntry.begin("demo", {}, None).line({}, 3)
    assert (line["commit"], line["dirty"], line["seed"]) == (None, None, None)
