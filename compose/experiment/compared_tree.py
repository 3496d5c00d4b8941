"""A version of the project in a directory of its own: what is checked out there, its set-up, and its `adctr`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compose.process.errors import EnvironmentFailed, UsageError
from compose.process.exit_codes import ExitCode
from compose.process.parent_watch import ends_with_me
from slo.checkout import HERE, Checkout, GitFailed, checkout_of, git

_END_SECONDS = 90.0
"""For a command that is interrupted to take down its stack."""
_LAST_LINES = 15
_OTHERS = ("GIT_", "MAKE", "MFLAGS", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
"""Variables that would lead a version to another one's code; `make compare` sets the second and third."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class ComparedTree:
    """``name`` is base or head; the stacks of its commands live in ``data_dir``, their messages go to ``log``."""

    name: str
    checkout: Checkout
    data_dir: Path
    log: Path

    def require_unchanged(self) -> None:
        """Raises EnvironmentFailed where the code is no more what it was."""
        if checkout_of(self.checkout.root) != self.checkout:
            raise EnvironmentFailed(
                f"{self.checkout.root} has changed while it was compared: leave it alone meanwhile; what was measured "
                "before is kept for the code as it was"
            )

    def adctr(self, *arguments: str) -> str:
        """What its own ``adctr`` prints; its exit code says whether objectives were kept, which is not asked here.

        Raises EnvironmentFailed where it came to no verdict.
        """
        command = [str(self.checkout.root / ".venv" / "bin" / "adctr"), "--data-dir", str(self.data_dir), *arguments]
        code, output = run_in(self.checkout.root, command, self.log)
        if code not in (ExitCode.PASS, ExitCode.FAIL, ExitCode.INCONCLUSIVE):
            raise EnvironmentFailed(
                f"{self.name} {self.checkout.name}: `adctr {' '.join(arguments)}` ended with exit code {code}; "
                f"its messages are in {self.log}:\n{last_lines(self.log)}"
            )
        return output

    def document(self, *arguments: str) -> dict[str, Any]:
        """What it prints as JSON. Raises EnvironmentFailed."""
        output = self.adctr(*arguments, "--format", "json")
        try:
            found = json.loads(output)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise EnvironmentFailed(
                f"{self.name} {self.checkout.name}: `adctr {' '.join(arguments)}` printed no JSON; its messages are in "
                f"{self.log}:\n{last_lines(self.log)}"
            )
        return found


def head_checkout() -> Checkout:
    """The code that runs. Raises UsageError where it is no checkout."""
    try:
        return checkout_of(HERE)
    except GitFailed as error:
        raise UsageError(f"only a Git checkout can be compared with an earlier version of itself: {error}") from error


def require_outside(checkout: Checkout, directory: Path) -> None:
    """Raises UsageError where what is written to ``directory`` would change the checkout."""
    root = checkout.root.resolve()
    if directory.resolve().is_relative_to(root):
        try:
            git(root, "check-ignore", "--quiet", str(directory.resolve()))
        except GitFailed:
            raise UsageError(
                f"--data-dir: {directory} lies in the checkout and Git does not ignore it; choose another directory"
            ) from None


def base_checkout(repository: Path, revision: str, directory: Path, say: Say) -> Checkout:
    """Checks ``revision`` out in ``directory/base`` and sets it up with an environment of its own; caches are shared.

    A directory from last time is used again, so that only what differs is installed. Raises UsageError for an unknown
    revision, EnvironmentFailed where it can't be set up.
    """
    try:
        commit = git(repository, "rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}").strip()
    except GitFailed as error:
        raise UsageError(f"--base {revision}: is no revision of {repository}: {error}") from error
    tree, log = directory / "base", directory / "setup.log"
    directory.mkdir(parents=True, exist_ok=True)
    try:
        _check_out(repository, commit, tree)
    except (GitFailed, OSError) as error:
        raise EnvironmentFailed(f"base {commit[:12]} can't be checked out in {tree}: {error}") from error
    say(f"setting up base {commit[:12]} in {tree}")
    code, _ = run_in(tree, ["make", "setup"], log)
    if code != 0:
        raise EnvironmentFailed(
            f"base {commit[:12]} can't be set up: `make setup` ended with exit code {code}; "
            f"its messages are in {log}:\n{last_lines(log)}"
        )
    return checkout_of(tree)


def _check_out(repository: Path, commit: str, tree: Path) -> None:
    """Whatever somebody changed there is dropped: it would be measured as the commit."""
    with suppress(GitFailed):
        if checkout_of(tree).root == tree and _same_repository(repository, tree):
            git(tree, "checkout", "--quiet", "--force", "--detach", commit)
            git(tree, "clean", "--quiet", "--force", "-d")
            return
    shutil.rmtree(tree, ignore_errors=True)
    git(repository, "worktree", "prune")
    git(repository, "worktree", "add", "--quiet", "--force", "--detach", str(tree), commit)


def _same_repository(one: Path, other: Path) -> bool:
    common = [git(each, "rev-parse", "--path-format=absolute", "--git-common-dir").strip() for each in (one, other)]
    return common[0] == common[1]


def run_in(directory: Path, command: Sequence[str], log: Path) -> tuple[int, str]:
    """Exit code and output of a command, whose messages are added to ``log``. An interrupt is handed on to it."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as messages:
        messages.write(f"$ {' '.join(command)}\n".encode())
        messages.flush()
        try:
            process = subprocess.Popen(
                command,
                cwd=directory,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=messages,
                text=True,
                # Out of reach of the terminal's Ctrl-C, which is for us: it is then ended in order.
                start_new_session=True,
            )
        except OSError as error:
            raise EnvironmentFailed(f"{command[0]}: {error.strerror}; run `make setup` in {directory}") from error
        with process:
            try:
                output, _ = process.communicate()
            except BaseException:
                process.terminate()
                with suppress(subprocess.TimeoutExpired):
                    process.wait(_END_SECONDS)
                process.kill()
                raise
        if process.returncode != 0:  # what was printed may say why
            messages.write(output.encode())
    return process.returncode, output


def _environment() -> Mapping[str, str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith(_OTHERS)}
    return {**ours, **ends_with_me()}


def last_lines(log: Path) -> str:
    """The end of a log."""
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LAST_LINES:])
