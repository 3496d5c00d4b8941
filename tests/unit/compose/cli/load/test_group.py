"""`adctr load` as scripts see it, as far as it needs no stack."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROFILE_TESTS = Path(__file__).parents[3] / "loadgen" / "profiles"


def adctr(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "compose.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_profiles_are_listed() -> None:
    """With what their rate does."""
    found = json.loads(adctr("load", "profiles", "--format", "json").stdout)["profiles"]
    spike = next(each for each in found if each["name"] == "spike")
    assert (spike["rate_mean_times"], spike["rate_highest_times"], spike["campaigns"]) == (1.0, 5.0, 200)
    assert len(found) == 12


def test_a_bad_profile_is_explained_line_by_line(tmp_path: Path) -> None:
    """Before anything is looked for: there is no stack here."""
    bad = PROFILE_TESTS / "bad" / "missing_keys.yaml"
    result = adctr("--data-dir", str(tmp_path), "load", "run", "--rate", "10", "--profile", str(bad))
    assert result.returncode == 2
    assert result.stderr.splitlines() == [
        f"adctr: {bad}: 2 mistakes, docs/load.md describes the format",
        f"{bad}:1: name: is missing; add name: a name for ledgers and reports, for example evening_rush",
        f"{bad}:1: description: is missing; add description: what the load is like, in a few words",
    ]


@pytest.mark.parametrize("command", [("run", "--rate", "1"), ("full-speed",), ("locust",), ("replay", "x.csv")])
def test_without_a_stack_the_environment_is_at_fault(tmp_path: Path, command: tuple[str, ...]) -> None:
    """And the message says how to start one."""
    result = adctr("--data-dir", str(tmp_path), "load", *command)
    assert result.returncode == 4
    assert "start one with" in result.stderr
