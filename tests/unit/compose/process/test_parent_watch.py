"""A child does not outlive the command that started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import psutil

CHILD = "import time; from compose.process.parent_watch import end_with_parent; end_with_parent(); time.sleep(60)"
PARENT = f"""
import os, subprocess, sys, time
from compose.process.parent_watch import ends_with_me
child = subprocess.Popen([sys.executable, "-c", {CHILD!r}], start_new_session=True, env=os.environ | ends_with_me())
print(child.pid, flush=True)
time.sleep(60)
"""


def test_a_killed_parent_takes_its_child_along() -> None:
    """``kill -9`` leaves the parent no time; the child is in a session of its own and still notices."""
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    try:
        time.sleep(1.2)
        assert child.is_running(), "while the parent lives, so does the child"
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()
        assert psutil.wait_procs([child], timeout=30)[1] == []
    finally:
        parent.kill()
        if child.is_running():
            child.kill()
        parent.communicate()
