"""Where everything of one stack lies: the paths below its data directory."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from compose.process.errors import EnvironmentFailed, UsageError

# A unix socket's path may have 107 bytes on Linux, and supervisord binds a temporary name with a suffix first.
SOCKET_PATH_LIMIT = 90
STACK_DIR_VARIABLE = "ADCTR_STACK_DIR"
_AWKWARD = re.compile(r"""["'\\:;,%$\n\r\t]""")


@dataclass(frozen=True)
class Layout:
    """The paths of one stack. `root` is absolute and free of characters that configuration files trip over."""

    root: Path

    @classmethod
    def of(cls, data_dir: Path) -> Layout:
        """Raises UsageError for a path that cannot be written into every service's configuration."""
        root = data_dir.expanduser().resolve()
        if _AWKWARD.search(str(root)):
            raise UsageError(
                f"data directory {str(root)!r}: quotes, backslashes, colons, semicolons, commas, %, $ and line "
                "breaks are not possible in it; choose another with --data-dir"
            )
        return cls(root)

    @property
    def record(self) -> Path:
        """What `up` wrote about the stack: ports, settings without secrets."""
        return self.root / "stack.json"

    @property
    def passwords(self) -> Path:
        return self.root / "secrets.json"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def run(self) -> Path:
        """Generated configuration; private to the user, because it contains passwords."""
        return self.root / "run"

    @property
    def checkpoints(self) -> Path:
        return self.root / "checkpoints"

    @property
    def lock(self) -> Path:
        return self.run / "lock"

    @property
    def accept_loss(self) -> Path:
        """There if jobs may start without what is lost; the job keeper removes it when it starts."""
        return self.run / "accept-loss"

    @property
    def reread_store(self) -> Path:
        """There if the store job counts the whole topic again; the job keeper removes it when it starts."""
        return self.run / "reread-store"

    @property
    def owner(self) -> Path:
        """The process whose end takes the stack down (see `compose.stack.processes.owner`)."""
        return self.run / "owner.json"

    @property
    def supervisor_config(self) -> Path:
        return self.run / "supervisord.conf"

    @property
    def supervisor_pid(self) -> Path:
        return self.run / "supervisord.json"

    @property
    def socket(self) -> Path:
        """The supervisor's control socket, in a private directory with a short enough path."""
        near = self.run / "supervisor.sock"
        if len(os.fsencode(near)) <= SOCKET_PATH_LIMIT:
            return near
        digest = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"adctr-{os.getuid()}-{digest}" / "supervisor.sock"

    def of_service(self, name: str) -> Path:
        """The state of one service, for example ``kafka``."""
        return self.root / name

    def log_of(self, service: str) -> Path:
        return self.logs / f"{service}.log"

    def create(self) -> None:
        """Makes the directories. Raises EnvironmentFailed naming the path that cannot be made or written."""
        try:
            # Nobody else reads what the servers write, whatever modes they give it; a directory that was there stays as
            # it was.
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.checkpoints.mkdir(exist_ok=True)
            for path in (self.run, self.logs, self.socket.parent):
                _private_directory(path)
            with tempfile.TemporaryFile(dir=self.root):
                pass
        except OSError as error:
            raise EnvironmentFailed(
                f"data directory {self.root}: {error.strerror}: {error.filename or self.root}; "
                "choose a directory of yours with --data-dir"
            ) from error


def _private_directory(path: Path) -> None:
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    if path.stat().st_uid != os.getuid():
        raise PermissionError(1, "belongs to another user", str(path))
    path.chmod(0o700)


def write_private(path: Path, text: str) -> None:
    """Replaces `path` with `text` at once, readable by the user only."""
    temporary = path.with_name(path.name + ".new")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    temporary.replace(path)
