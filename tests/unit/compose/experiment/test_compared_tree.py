"""Versions of a small repository: what is checked out and set up, and what its commands come to."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from compose.experiment.compared_tree import ComparedTree, base_checkout, require_outside
from compose.experiment.tree_runs import RunSettings, measure
from compose.process.errors import EnvironmentFailed, UsageError
from slo.bench.tree_comparison import DRAIN_CPU, DRAIN_WALL, LOAD_CPU, REDIS_P99, Kind
from slo.checkout import GitFailed, checkout_of
from tests.unit.compose.experiment.small_repository import ADCTR, commit, git, repository


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return repository(tmp_path / "project")


def quiet(_line: str) -> None:
    pass


def base_of(root: Path, revision: str = "main") -> ComparedTree:
    directory = root.parent / "compare"
    checkout = base_checkout(root, revision, directory, quiet)
    return ComparedTree("base", checkout, directory / "base-stack", directory / "base.log")


def test_an_unknown_revision_is_a_mistake_of_the_command(root: Path) -> None:
    for revision in ("nowhere", "--all", "main~7"):
        with pytest.raises(UsageError, match=f"--base {revision}: is no revision"):
            base_of(root, revision)


def test_a_base_that_cannot_be_set_up_says_so_with_the_end_of_its_log(root: Path) -> None:
    commit(root, Makefile="setup:\n\t@echo downloading; echo no compiler here >&2; exit 7\n")
    with pytest.raises(EnvironmentFailed, match=r"(?s)can't be set up: `make setup`.*no compiler here.*downloading"):
        base_of(root)


def test_the_base_is_the_commit_and_its_set_up_is_its_own(root: Path) -> None:
    first = git(root, "rev-parse", "HEAD")
    commit(root, cost="9.0")
    (root / "cost").write_text("not committed", encoding="utf-8")
    tree = base_of(root, "main~1")
    assert (tree.checkout.commit, tree.checkout.dirty) == (first, False)
    assert (tree.checkout.root / ".venv" / "bin" / "adctr").is_file()
    assert not (root / ".venv").exists()
    assert measure(tree, Kind.DRAIN, RunSettings()).figures == {
        DRAIN_CPU: pytest.approx(2.0),
        DRAIN_WALL: pytest.approx(1 / 3),
    }


def test_a_base_from_last_time_is_used_again_without_what_somebody_changed_in_it(root: Path) -> None:
    first = base_of(root)
    (first.checkout.root / "cost").write_text("changed", encoding="utf-8")
    (first.checkout.root / "new").write_text("new", encoding="utf-8")
    (first.checkout.root / ".venv" / "kept").write_text("installed before", encoding="utf-8")
    second = commit(root, cost="3.0")
    tree = base_of(root)
    assert (tree.checkout.commit, tree.checkout.dirty) == (second, False)
    assert (tree.checkout.root / ".venv" / "kept").exists()


def test_another_repository_in_the_place_of_the_base_is_replaced(root: Path) -> None:
    other = repository(root.parent / "other")
    base_of(other)
    assert base_of(root).checkout.commit == git(root, "rev-parse", "HEAD")


def test_a_command_that_came_to_nothing_is_no_run(root: Path) -> None:
    tree = base_of(root)
    with pytest.raises(EnvironmentFailed, match=r"(?s)`adctr bench nothing` ended with exit code 2; .*what is \["):
        tree.adctr("bench", "nothing")
    commit(root, adctr=ADCTR.replace('print(json.dumps({"runs"', 'print("no JSON"); print(({"runs"'))
    with pytest.raises(EnvironmentFailed, match="printed no JSON"):
        measure(base_of(root), Kind.DRAIN, RunSettings())
    commit(root, adctr=ADCTR.replace('"runs"', '"other"'))
    with pytest.raises(EnvironmentFailed, match=r"is not what this version can read: KeyError 'runs'"):
        measure(base_of(root), Kind.DRAIN, RunSettings())


def test_a_version_that_was_never_set_up_is_named_with_the_fix(root: Path) -> None:
    tree = ComparedTree("head", checkout_of(root), root.parent / "stack", root.parent / "head.log")
    with pytest.raises(EnvironmentFailed, match="run `make setup` in"):
        tree.adctr("status")


def test_a_load_is_metered_on_a_stack_of_its_own_that_is_gone_afterwards(root: Path) -> None:
    tree = base_of(root)
    tree.data_dir.mkdir()
    left = psutil.Popen(["sleep", "600"])
    (tree.data_dir / "pid").write_text(str(left.pid), encoding="utf-8")
    run = measure(tree, Kind.LOAD, RunSettings(seconds=6.0))
    left.wait(10)  # what an interrupted comparison had left there
    assert (run.differences, run.figures[REDIS_P99]) == (2, 0.25)
    assert set(run.figures) == {
        LOAD_CPU,
        REDIS_P99,
        *(f"{LOAD_CPU}.{name}" for name in ("jobmanager", "taskmanager-live", "taskmanager-store")),
        *(f"{LOAD_CPU}.{name}" for name in ("kafka", "redis", "postgres")),
    }
    assert not tree.data_dir.exists()


def test_counts_that_were_not_compared_in_time_are_not_right(root: Path) -> None:
    commit(root, late="the jobs of this version never get through")
    assert measure(base_of(root), Kind.LOAD, RunSettings(seconds=5.0)).differences == 1


def test_a_tree_that_changes_is_noticed_and_a_dirty_one_is_told(root: Path) -> None:
    clean = checkout_of(root)
    tree = ComparedTree("head", clean, root.parent / "stack", root.parent / "head.log")
    tree.require_unchanged()
    (root / "cost").write_text("5.0", encoding="utf-8")
    dirty = checkout_of(root)
    assert (clean.dirty, dirty.dirty, dirty.commit) == (False, True, clean.commit)
    with pytest.raises(EnvironmentFailed, match="has changed while it was compared"):
        tree.require_unchanged()
    (root / "new").write_text("a file that Git does not know", encoding="utf-8")
    assert checkout_of(root) not in (clean, dirty)
    (root / "new").unlink()
    assert checkout_of(root) == dirty


def test_what_is_no_checkout_is_refused(root: Path, tmp_path: Path) -> None:
    (root / "inner").mkdir()
    for place in (tmp_path, root / "inner"):
        with pytest.raises(GitFailed):
            checkout_of(place)


def test_stacks_may_not_live_where_git_would_call_them_changes(root: Path) -> None:
    require_outside(checkout_of(root), root / "data" / "bench-compare")
    require_outside(checkout_of(root), root.parent / "elsewhere")
    with pytest.raises(UsageError, match="Git does not ignore it"):
        require_outside(checkout_of(root), root / "stacks")
