"""Whether this machine can run the stack at all: PyFlink has wheels for Linux with glibc on x86_64 only."""

from __future__ import annotations

import platform
import sys

from compose.process.errors import EnvironmentFailed

MACHINES = ("x86_64",)


def require_supported() -> None:
    """Raises EnvironmentFailed naming what is unsupported and what is."""
    reason = unsupported(sys.platform, platform.machine(), platform.libc_ver()[0])
    if reason:
        raise EnvironmentFailed(reason)


def unsupported(system: str, machine: str, libc: str) -> str | None:
    """Why the stack can't run on such a machine; None if it can."""
    if system != "linux":
        return f"the stack's binary packages exist for Linux only, this is {system}"
    if machine not in MACHINES:
        return f"the stack's binary packages exist for {' and '.join(MACHINES)}, this machine is {machine}"
    if libc != "glibc":
        return "the stack's binary packages need glibc (Debian, Ubuntu, Fedora …), this system has another C library"
    return None


if __name__ == "__main__":
    try:
        require_supported()
    except EnvironmentFailed as error:
        print(f"adctr: {error}", file=sys.stderr)
        raise SystemExit(4) from None
