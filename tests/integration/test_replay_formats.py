"""The public logs of docs/load.md: each command of its table gives the result that stands there."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from loadgen.ledger import read_ledger
from loadgen.truth import expected_counts
from pipeline.contract.cache_schema import Counts

if TYPE_CHECKING:
    from tests.integration.conftest import RunningStack

ROOT = Path(__file__).parents[2]
LOGS = ROOT / "tests" / "replay_logs"
_ROW = re.compile(r"\| (.+) \| `adctr (load replay .+)` \| (\d+) impressions, (\d+) clicks?, (\d+) rejected \|")
_TABLE = _ROW.findall((ROOT / "docs" / "load.md").read_text(encoding="utf-8"))


def test_every_file_is_in_the_table() -> None:
    """And every row of the table names one."""
    named = [command.split()[2] for _, command, *_ in _TABLE]
    assert sorted(named) == sorted(path.name for path in LOGS.iterdir())


@pytest.mark.parametrize(("name", "command", "impressions", "clicks", "rejected"), _TABLE)
def test_a_command_of_the_docs(
    stack: RunningStack, name: str, command: str, impressions: str, clicks: str, rejected: str
) -> None:
    """As a shell runs it."""
    adctr = shlex.join([sys.executable, "-m", "compose.cli", "--data-dir", str(stack.data_dir)])
    done = subprocess.run(
        ["bash", "-c", f"{adctr} {command} --format json"],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=LOGS,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, (name, done.stderr)
    report = json.loads(done.stdout)
    truth = read_ledger(Path(report["ledger"]))
    assert sum(expected_counts(truth, 60).values(), Counts(0, 0)) == Counts(int(impressions), int(clicks))
    assert report["rejected_total"] == int(rejected)
