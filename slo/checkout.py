"""Which code a figure is of: a commit, and whether the checkout has changes that no commit has."""

from __future__ import annotations

import hashlib
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parents[1]
"""The directory that this code runs from."""
_DIGITS = 12


class GitFailed(RuntimeError):
    """Git is missing or refused; the message is Git's."""


@dataclass(frozen=True)
class Checkout:
    """A directory of code. ``changes`` is a digest of what is not committed; empty where all is."""

    root: Path
    commit: str
    changes: str = ""

    @property
    def dirty(self) -> bool:
        """Whether anything is not committed, new files included."""
        return bool(self.changes)

    @property
    def name(self) -> str:
        """Short, for people and file names."""
        return self.commit[:_DIGITS] + (f"+{self.changes}" if self.dirty else "")


def checkout_of(root: Path = HERE) -> Checkout:
    """Raises GitFailed where there is no Git, or ``root`` is not the top of a checkout with a commit."""
    top = git(root, "rev-parse", "--show-toplevel").strip()
    if Path(top).resolve() != root.resolve():
        raise GitFailed(f"{root} is no checkout of its own: {top} is")
    commit = git(root, "rev-parse", "--verify", "HEAD").strip()
    return Checkout(root, commit, _changes(root))


def find_checkout(root: Path = HERE) -> Checkout | None:
    """The same; None where it is no checkout, as in a container."""
    try:
        return checkout_of(root)
    except GitFailed:
        return None


def _changes(root: Path) -> str:
    changed = git(root, "diff", "HEAD", "--binary", "--no-ext-diff", "--no-textconv")
    new = [name for name in git(root, "ls-files", "--others", "--exclude-standard", "-z").split("\0") if name]
    if not changed and not new:
        return ""
    digest = hashlib.sha256(changed.encode("utf-8", "surrogateescape"))
    for name in sorted(new):
        digest.update(name.encode("utf-8", "surrogateescape") + b"\0")
        if (root / name).is_file():
            digest.update((root / name).read_bytes())
    return digest.hexdigest()[:_DIGITS]


def git(root: Path, *arguments: str) -> str:
    """What Git prints. Raises GitFailed with its message."""
    # In a hook, Git's variables name the repository that the hook is of.
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments],
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            encoding="utf-8",
            errors="surrogateescape",
        )
    except OSError as error:
        raise GitFailed(f"git can't be run: {error.strerror}") from error
    if done.returncode != 0:
        raise GitFailed(done.stderr.strip() or f"git {arguments[0]} ended with exit code {done.returncode}")
    return done.stdout
