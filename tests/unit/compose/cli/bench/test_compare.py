"""`adctr bench compare` on a small repository: exit codes, and what it says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from compose.cli.bench import compare
from compose.cli.main import app
from compose.experiment.compared_tree import ComparedTree
from compose.experiment.tree_runs import RunSettings, measure
from compose.process.errors import EnvironmentFailed, UsageError
from compose.process.exit_codes import ExitCode
from slo.bench.tree_comparison import CACHE_P99, LOAD_CPU, POSTGRES_P99, REDIS_P99, Kind, TreeRun
from slo.checkout import HERE, checkout_of
from tests.unit.compose.experiment.small_repository import commit, git, repository


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Takes the number of drains as given; the loads, which take a minute each, are always the same."""
    root = repository(tmp_path / "project")

    def without_load(tree: ComparedTree, kind: Kind, settings: RunSettings) -> TreeRun:
        if kind is Kind.DRAIN:
            return measure(tree, kind, settings)
        return TreeRun(dict.fromkeys((LOAD_CPU, REDIS_P99, POSTGRES_P99, CACHE_P99), 1.0))

    def head_checkout() -> object:
        adctr = root / ".venv" / "bin" / "adctr"
        adctr.parent.mkdir(parents=True, exist_ok=True)
        adctr.write_text((root / "adctr").read_text())
        adctr.chmod(0o755)
        return checkout_of(root)

    monkeypatch.setattr(compare, "head_checkout", head_checkout)
    monkeypatch.setattr(compare, "measure", without_load)
    return root


def compared(root: Path, *arguments: str) -> int:
    words = ["--data-dir", str(root / "data"), "bench", "compare", "--rounds", "3", *arguments]
    return int(app(words, standalone_mode=False))


@pytest.mark.parametrize(
    ("cost", "code"), [("2.0", ExitCode.PASS), ("2.4", ExitCode.FAIL), ("1.6", ExitCode.PASS), ("2.08", ExitCode.PASS)]
)
def test_a_fifth_more_cpu_fails_and_the_same_or_less_passes(
    root: Path, capsys: pytest.CaptureFixture[str], cost: str, code: ExitCode
) -> None:
    first = git(root, "rev-parse", "HEAD")
    second = commit(root, cost=cost, note="so that there is a change")
    assert compared(root, "--format", "json") == code
    document = json.loads(capsys.readouterr().out)
    assert (document["base"]["commit"], document["head"]["commit"]) == (first, second)
    assert (document["head"]["dirty"], len(document["pairs"])) == (False, 6)


def test_a_dirty_tree_is_told(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "cost").write_text("2.4", encoding="utf-8")
    assert compared(root, "--base", "main") == ExitCode.FAIL
    said = capsys.readouterr()
    assert "with changes that are not committed" in said.err
    assert "(dirty)" in said.out
    assert "head is worse by +20.0 %" in said.out


def test_what_time_did_not_suffice_for_is_inconclusive(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compared(root, "--base", "main", "--at-most", "1ms") == ExitCode.INCONCLUSIVE
    assert "time is up: run it again" in capsys.readouterr().err
    assert compared(root, "--base", "main") == ExitCode.PASS


def test_a_base_that_does_not_exist_or_does_not_run_is_told_from_a_worse_head(root: Path) -> None:
    with pytest.raises(UsageError, match="--base nowhere"):
        compared(root, "--base", "nowhere")
    commit(root, adctr="#!/bin/sh\necho out of order >&2; exit 4\n")
    with pytest.raises(EnvironmentFailed, match=r"(?s)base .*exit code 4.*out of order"):
        compared(root, "--base", "main")


def test_this_tree_is_a_checkout_that_can_be_compared() -> None:
    assert (HERE / "slo" / "checkout.py").is_file()
    assert (HERE / "Makefile").is_file()
