"""One comparison of all counts, in a process of its own: ``python -m slo.exporter.comparison_process``.

A comparison holds the whole topic's marks in memory and a core for minutes. Here it takes neither from the probes, and
where memory runs out the kernel ends this process and not the exporter.
"""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from pipeline.settings import Settings
from slo.reconciliation.verify import UNAVAILABLE, reconcile
from slo.reconciliation.wait_drained import JobsStuck, NotDrained

DRAIN_TIMEOUT_SECONDS = 180.0
LONGEST_SECONDS = 3600.0
"""A comparison that takes longer hangs."""
_POLL_SECONDS = 0.2
_NOT_COMPARED = 3
_FIRST_TO_GO = "1000"

log = logging.getLogger("adctr.comparison")


class NotCompared(RuntimeError):
    """The comparison gave no result; its process has logged why."""


def compare(settings: Settings, stop: threading.Event) -> int:
    """The number of differences. Raises NotCompared, also when ``stop`` is set."""
    command = [sys.executable, "-m", "slo.exporter.comparison_process"]
    environment = {**os.environ, **settings.to_env()}
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        deadline = time.monotonic() + LONGEST_SECONDS
        while process.poll() is None and not stop.wait(_POLL_SECONDS) and time.monotonic() < deadline:
            pass
        if process.poll() is None:
            process.kill()
            process.wait()
        answer = process.stdout.read()
    if process.returncode != 0:
        raise NotCompared(f"the comparison ended with {process.returncode}")
    return int(answer)


def main() -> int:
    """Prints the number of differences. Exit code 0, or 3 where nothing could be compared."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    threading.Thread(target=_end_with_the_exporter, daemon=True).start()
    with contextlib.suppress(OSError):  # no Linux
        Path("/proc/self/oom_score_adj").write_text(_FIRST_TO_GO)
    try:
        report = reconcile(Settings.from_env(os.environ), [], DRAIN_TIMEOUT_SECONDS)
    except (NotDrained, JobsStuck, *UNAVAILABLE) as error:
        log.warning("counts could not be compared: %s", error)
        return _NOT_COMPARED
    if not report.anything_verified:
        log.warning("counts could not be compared: nothing has been counted")
        return _NOT_COMPARED
    print(report.found.total)
    return 0


def _end_with_the_exporter() -> None:
    """Its end of the pipe closes when it ends, however it does."""
    sys.stdin.read()
    os._exit(_NOT_COMPARED)


if __name__ == "__main__":
    sys.exit(main())
