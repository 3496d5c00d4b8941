"""Which process a note in a file is about: its id alone may have been given to another process since.

The start is kept as the kernel has it, in clock ticks since boot, with the id of that boot. psutil's ``create_time``
adds the time of boot, which moves with every step of the wall clock: a process would seem to be another one after it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

_ENDED_STATES = ("Z", "X")


@dataclass(frozen=True)
class ProcessIdentity:
    """A process of this machine, distinguished from all earlier and later ones with its PID."""

    pid: int
    start_ticks: int
    boot_id: str

    @classmethod
    def of(cls, pid: int) -> Self:
        """Raises OSError if there is no such process."""
        return cls(pid, _stat(pid)[1], _boot_id())

    @classmethod
    def from_json(cls, record: Any) -> Self:
        """The inverse of `as_json`. Raises ValueError, KeyError or TypeError for anything else."""
        return cls(int(record["pid"]), int(record["start_ticks"]), str(record["boot_id"]))

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def is_alive(self) -> bool:
        """Whether it still runs; one that has ended and was not waited for yet does not."""
        try:
            state, start_ticks = _stat(self.pid)
            return state not in _ENDED_STATES and start_ticks == self.start_ticks and _boot_id() == self.boot_id
        except OSError:
            return False


def _stat(pid: int) -> tuple[str, int]:
    """State and start of a process: fields 3 and 22 of its ``stat`` (proc(5)), behind a name that may hold anything."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    return fields[0], int(fields[19])


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
