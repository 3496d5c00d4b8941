"""A wall clock of a test's own, by libfaketime: processes that are started under it see what the test says.

https://github.com/wolfcw/libfaketime. The monotonic clock stays as it is, as on a machine whose clock is set.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

LIBRARIES = ("/usr/lib", "/usr/lib64", "/usr/local/lib")
CACHED_SECONDS = 1
_NAME = "faketime/libfaketimeMT.so.1"
_PATCHES = Path(__file__).with_name("under_faketime")
_TIMED_WAITS = "timed_waits"


def require_library() -> Path:
    """Where the library is.

    It is no Python package, and what fixes its timed waits needs a C compiler: without them a test is skipped, unless
    ADCTR_REQUIRE_FAKETIME=1.
    """
    found = [path for root in LIBRARIES for path in (Path(root) / _NAME, *Path(root).glob(f"*/{_NAME}"))]
    existing = [path for path in found if path.exists()]
    if existing and shutil.which("cc"):
        return existing[0]
    missing = "there is no C compiler, cc" if existing else "libfaketime is not installed"
    message = f"{missing}; Debian's packages faketime and gcc have them, .ci/run installs both"
    if os.environ.get("ADCTR_REQUIRE_FAKETIME") == "1":
        pytest.fail(message)
    pytest.skip(message)


class FakedClock:
    """Shows the machine's time and an offset, in seconds; `step` changes it under the running processes.

    Python's processes see a step at once, all others within a second: a JVM that read the offset whenever it asks
    for the time would do little else. So a step forward comes to the others first and a step back to Python's, and no
    producer is ever ahead of the broker.
    """

    def __init__(self, library: Path, directory: Path, offset_seconds: float = 0.0) -> None:
        self._libraries = (_built(directory), library)
        self._others, self._python = directory / "clock", directory / "python-clock"
        self.offset_seconds = offset_seconds
        for path in (self._others, self._python):
            self._write(path)

    def environment(self) -> dict[str, str]:
        """What makes a process, and all that it starts, see this clock."""
        return {
            "LD_PRELOAD": ":".join(map(str, self._libraries)),
            "FAKETIME_TIMESTAMP_FILE": str(self._others),
            "FAKETIME_CACHE_DURATION": str(CACHED_SECONDS),
            # Two names, as versions differ.
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
            # No file shows another age than it has.
            "NO_FAKE_STAT": "1",
            "FAKETIME_SKIP_CMDS": "python,python3,python3.11,python3.12",
            "ADCTR_FAKED_CLOCK": str(self._python),
            "PYTHONPATH": os.pathsep.join(filter(None, (str(_PATCHES), os.environ.get("PYTHONPATH")))),
        }

    def step(self, seconds: float) -> None:
        """Sets the clock forward, or back where ``seconds`` is negative; returns when everybody sees it."""
        self.offset_seconds += seconds
        for path in (self._others, self._python) if seconds > 0 else (self._python, self._others):
            self._write(path)
            time.sleep(CACHED_SECONDS + 0.5)

    def now(self) -> float:
        """What it shows, in unix seconds."""
        return time.time() + self.offset_seconds

    def _write(self, path: Path) -> None:
        new = path.with_suffix(".new")
        new.write_text(f"{self.offset_seconds:+.3f}\n", encoding="ascii")
        new.replace(path)


def _built(directory: Path) -> Path:
    library = directory / f"{_TIMED_WAITS}.so"
    source = _PATCHES / f"{_TIMED_WAITS}.c"
    subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-Wall", "-Werror", "-o", library, source], check=True)
    return library
