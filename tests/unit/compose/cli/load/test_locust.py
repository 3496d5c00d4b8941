"""Locust, a command of others, does not outlive `adctr load locust`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import psutil

LOCUST = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
COMMAND = f"""
import os, sys
from compose.cli.load.locust import _run
reading, writing = os.pipe()
os.set_inheritable(writing, True)
_run([sys.executable, "-c", {LOCUST!r}], dict(os.environ), reading, writing)
"""


def test_a_killed_command_takes_locust_along() -> None:
    """``kill -9`` leaves it no time, and locust is in a session of its own."""
    command = subprocess.Popen([sys.executable, "-c", COMMAND], stdout=subprocess.PIPE, text=True)
    assert command.stdout is not None
    locust = psutil.Process(int(command.stdout.readline()))
    try:
        assert locust.is_running(), "while the command lives, so does locust"
        os.kill(command.pid, signal.SIGKILL)
        command.wait()
        assert psutil.wait_procs([locust], timeout=30)[1] == []
    finally:
        command.kill()
        if locust.is_running():
            locust.kill()
        command.communicate()


def test_locust_does_not_start_for_a_command_that_has_ended() -> None:
    environment = os.environ | {"ADCTR_PARENT_PID": "1"}
    words = [sys.executable, "-m", "compose.process.bound_child", sys.executable, "-c", "print('started')"]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (130, "")
