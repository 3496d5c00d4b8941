"""Builds wheel, sdist and image, and smoke-tests them from a clean directory: `make artifacts`.

Wheel and sdist are built from a copy of the files that git knows, and are left in .artifacts/dist. The wheel is
installed into a new virtual environment after the packages of the lock file, and its commands run in an empty
directory, Java's compiler included. ``--no-image`` leaves the image out, which needs a Docker engine.
Exit 0: all pass. 1: a file is missing, or a command fails. 4: a package, or the engine, can't be had.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from compose.docker.image import build as build_image
from compose.docker.names import PROJECT_IMAGE
from compose.process.errors import EnvironmentFailed
from compose.process.exit_codes import ExitCode
from compose.process.guard import run_guarded

ROOT = Path(__file__).parents[1]
DIST = ROOT / ".artifacts" / "dist"
PACKAGES = ("pipeline", "loadgen", "slo", "dashboards", "compose")
CHECKOUT_ONLY = (
    "compose/docker/config/",
    "compose/docker/Dockerfile",
    "compose/docker/settings.env",
    "compose/find-python.sh",
)
"""Files that only a checkout uses: Compose and the image are built from it."""
COMMANDS: Sequence[tuple[str, ...]] = (
    ("adctr", "--version"),
    ("adctr", "--help"),
    ("adctr", "load", "profiles"),
    ("adctr", "slo", "rules", "--out", "rules.yaml"),
    ("adctr", "grafana", "build", "--out", "dashboards"),
    ("python", "-m", "compose.stack.java.setup"),
)
"""Commands that need no running stack and read data files of every package; the last one compiles Java."""


class Broken(Exception):
    """An artifact has a fault; the message names it."""


def tracked() -> list[str]:
    """The files that git knows and that exist."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [path for path in listed.splitlines() if (ROOT / path).is_file()]


def missing(shipped: Iterable[str], known: Iterable[str]) -> list[str]:
    """Files of our packages that an artifact lacks."""
    has = set(shipped)
    ours = [path for path in known if path.split("/")[0] in PACKAGES and not path.startswith(CHECKOUT_ONLY)]
    return [path for path in ours if path not in has]


def build(tree: Path, into: Path) -> tuple[Path, Path]:
    """Wheel and sdist of a directory. Raises Broken with setuptools' words."""
    into.mkdir(parents=True, exist_ok=True)
    # setuptools changes sys.argv.
    code = (
        "import sys; from setuptools import build_meta as b; into = sys.argv[1]; "
        "print('built', b.build_wheel(into), b.build_sdist(into))"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(into)], cwd=tree, capture_output=True, text=True)
    if ended.returncode != 0:
        raise Broken(f"wheel and sdist can't be built:\n{ended.stderr[-4000:]}")
    wheel, sdist = ended.stdout.splitlines()[-1].split()[1:]
    return into / wheel, into / sdist


def build_checked(work: Path, into: Path = DIST) -> Path:
    """The wheel, with every file and equal to the one that the sdist gives. Empties ``into`` first. Raises Broken."""
    tree, known = work / "tree", tracked()
    for path in known:
        target = tree / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, target)
    shutil.rmtree(into, ignore_errors=True)
    wheel, sdist = build(tree, into)
    files = zipfile.ZipFile(wheel).namelist()
    if lacks := missing(files, known):
        raise Broken(f"{wheel.name} lacks {', '.join(lacks)}: add them to package-data in pyproject.toml")
    with tarfile.open(sdist) as archive:
        archive.extractall(work / "sdist", filter="data")
    again, _ = build(next((work / "sdist").iterdir()), work / "again")
    if differ := set(files) ^ set(zipfile.ZipFile(again).namelist()):
        raise Broken(f"the wheel from {sdist.name} differs in {', '.join(sorted(differ))}")
    return wheel


def smoke(wheel: Path, work: Path) -> None:
    """Installs the wheel into an environment of its own and runs its commands in an empty directory.

    Raises Broken, and EnvironmentFailed where the locked packages can't be had.
    """
    programs, empty = work / "venv" / "bin", work / "empty"
    empty.mkdir()
    subprocess.run([sys.executable, "-m", "venv", work / "venv"], check=True)
    pip = (str(programs / "python"), "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-deps")
    for lock in ("requirements-build.lock", "requirements.lock"):
        # As the Makefile installs them: without build isolation, which would fetch build tools past the lock file.
        options = ("--require-hashes", "--no-build-isolation", "--use-pep517", "-r", str(ROOT / lock))
        if _run((*pip, *options), empty).returncode != 0:
            raise EnvironmentFailed(f"the packages of {lock} can't be installed; pip has said why")
    for command in ((*pip, str(wheel)), *((str(programs / name), *rest) for name, *rest in COMMANDS)):
        if _run(command, empty).returncode != 0:
            raise Broken(f"{' '.join(command[:4])} … of {wheel.name} fails")


def smoke_image() -> None:
    """Builds the image and asks it for its version. Raises Broken and EnvironmentFailed."""
    build_image()
    if _run(("docker", "run", "--rm", "--network", "none", PROJECT_IMAGE, "adctr", "--version"), ROOT).returncode != 0:
        raise Broken(f"adctr --version in {PROJECT_IMAGE} fails")


def _run(command: Sequence[str], directory: Path) -> subprocess.CompletedProcess[bytes]:
    print("+", *command, flush=True)
    return subprocess.run(command, cwd=directory, check=False)


def main() -> ExitCode:
    """Builds and tests. Returns the exit code."""
    try:
        with tempfile.TemporaryDirectory(prefix="adctr-artifacts-") as work:
            wheel = build_checked(Path(work))
            smoke(wheel, Path(work))
        if "--no-image" not in sys.argv:
            smoke_image()
    except Broken as error:
        print(f"artifacts: {error}", file=sys.stderr)
        return ExitCode.FAIL
    print(f"artifacts: {', '.join(sorted(path.name for path in DIST.iterdir()))} pass")
    return ExitCode.PASS


if __name__ == "__main__":
    raise SystemExit(run_guarded(main))
