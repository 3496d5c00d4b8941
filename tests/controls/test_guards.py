"""Negative controls: without what keeps an invariant the test of it fails, or it would prove nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from compose.cli.warehouse import PROGRAM_VARIABLE
from tests.controls.guards import GUARDS, ROOT, Guard
from tests.warehouse.conftest import dbt

__all__ = ["dbt"]

TIMEOUT_SECONDS = 600
_EACH_GUARD = pytest.mark.parametrize("guard", GUARDS, ids=[guard.name for guard in GUARDS])


def run_check(copy: Path, check: str, scratch: Path) -> subprocess.CompletedProcess[str]:
    """pytest's run of one check in the copy."""
    python = copy / ".venv" / "bin" / "python"
    options = ("-x", "-q", "-m", "", "-p", "no:cacheprovider", f"--basetemp={scratch}")
    command = [str(python), "-m", "pytest", *options, check]
    # A worker's variables would make its own worker of it.
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "PYTHONPATH"))}
    return subprocess.run(
        command, cwd=copy, env=variables, capture_output=True, text=True, check=False, timeout=TIMEOUT_SECONDS
    )


def failures(output: str) -> str:
    """What pytest's output says of the tests that failed."""
    return "\n".join(line for line in output.splitlines() if line.startswith(("E  ", "FAILED ")))


@_EACH_GUARD
def test_a_guard_and_its_check_are_there(guard: Guard) -> None:
    """So that a change to either is noticed before the long test runs."""
    source = (ROOT / guard.file).read_text(encoding="utf-8")
    assert guard.removed_from(source) != source
    file, _, function = guard.check.partition("::")
    assert f"def {function or 'test_'}" in (ROOT / file).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a = (  # control: it\n    1,\n)\nb = 2\n", "pass\nb = 2\n"),
        ("if a:\n    if (  # control: it\n        b\n    ):\n        c()\n", "if a:\n    pass\n        c()\n"),
    ],
)
def test_a_marker_names_a_statement_however_it_is_written(source: str, expected: str) -> None:
    """Of a compound one the head."""
    assert Guard("it", "a.py", "# control: it", "pass", "", "").removed_from(source) == expected


@pytest.mark.parametrize("source", ["a = 1\n", "a = 1  # control: it\nb = 2  # control: it\n"])
def test_a_guard_that_is_not_there_once_is_a_mistake(source: str) -> None:
    with pytest.raises(ValueError, match="once is wanted"):
        Guard("it", "a.py", "# control: it", "pass", "", "").removed_from(source)


@pytest.mark.long
@pytest.mark.embedded
@_EACH_GUARD
def test_without_its_guard_the_check_of_an_invariant_fails(
    guard: Guard, copy: Path, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With it it passes, as `make test`, `make test-long` and `make test-warehouse` show."""
    if guard.check.startswith("tests/warehouse/"):
        monkeypatch.setenv(PROGRAM_VARIABLE, request.getfixturevalue("dbt"))
    guarded = (ROOT / guard.file).read_text(encoding="utf-8")
    try:
        (copy / guard.file).write_text(guard.removed_from(guarded), encoding="utf-8")
        result = run_check(copy, guard.check, tmp_path / "check")
    finally:
        (copy / guard.file).write_text(guarded, encoding="utf-8")
    print(result.stdout[-6000:], result.stderr[-2000:])
    assert result.returncode == pytest.ExitCode.TESTS_FAILED
    # It got as far as the check: a stack that does not start is an error, and proves nothing.
    assert guard.says in failures(result.stdout)


def test_the_copy_runs_what_is_in_it(copy: Path) -> None:
    """Not what is installed, also where no path is handed on, as by a stack to its processes."""
    python = copy / ".venv" / "bin" / "python"
    code = "import pipeline, compose, sys; print(pipeline.__file__, compose.__file__, sys.prefix)"
    command = [str(python), "-c", code]
    found = subprocess.run(command, cwd="/", env={}, capture_output=True, text=True, check=True).stdout.split()
    assert all(Path(path).is_relative_to(copy) for path in found), found
    assert sys.prefix not in found
