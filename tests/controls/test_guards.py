"""Negative controls: without what keeps an invariant the test of it fails, or it would prove nothing."""

from __future__ import annotations

import os
import shutil
import site
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from compose.stack.java.build import JAVA_DIR
from tests.controls.guards import GUARDS, Guard

ROOT = JAVA_DIR.parents[1]
PARTS = ("pipeline", "loadgen", "slo", "dashboards", "compose", "tests", "conftest.py", "pyproject.toml")
TIMEOUT_SECONDS = 600
_EACH_GUARD = pytest.mark.parametrize("guard", GUARDS, ids=[guard.name for guard in GUARDS])


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tree with a Python of its own, which has all packages, and ours from the copy."""
    root = tmp_path_factory.mktemp("copy")
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, root / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, root)
    environment = root / ".venv"
    venv.create(environment, symlinks=True)
    packages = next(environment.glob("lib/python*/site-packages"))
    shared = [f"import site; site.addsitedir({path!r})\n" for path in site.getsitepackages()]
    (packages / "copy.pth").write_text("".join([f"{root}\n", *shared]), encoding="utf-8")
    return root


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
    assert (ROOT / guard.file).read_text(encoding="utf-8").count(guard.text) == 1
    file, _, function = guard.check.partition("::")
    assert f"def {function or 'test_'}" in (ROOT / file).read_text(encoding="utf-8")


@pytest.mark.long
@pytest.mark.embedded
@_EACH_GUARD
def test_without_its_guard_the_check_of_an_invariant_fails(guard: Guard, copy: Path, tmp_path: Path) -> None:
    """With it it passes, as `make test` and `make test-long` show."""
    guarded = (ROOT / guard.file).read_text(encoding="utf-8")
    try:
        (copy / guard.file).write_text(guarded.replace(guard.text, guard.without), encoding="utf-8")
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
