"""A process is recognised whatever the clock does, and never mistaken for another."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from compose.stack.layout import Layout, write_private
from compose.stack.processes.owner import owner_is_alive
from compose.stack.processes.process_identity import ProcessIdentity


def test_a_step_of_the_clock_makes_no_other_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """psutil's boot time jumps by an hour, as it does when the wall clock is set: the owner is still alive."""
    layout = Layout.of(tmp_path)
    layout.create()
    write_private(layout.owner, json.dumps(ProcessIdentity.of(os.getpid()).as_json()))
    before, boot = psutil.Process().create_time(), psutil.boot_time()
    monkeypatch.setattr("psutil._pslinux.boot_time", lambda: boot + 3600)
    assert psutil.Process().create_time() != before, "the step must be one that psutil sees"
    assert owner_is_alive(layout) is True


def test_an_ended_process_is_not_alive_even_before_it_is_waited_for() -> None:
    """A zombie, then nothing at all."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    identity = ProcessIdentity.of(process.pid)
    assert identity.is_alive()
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert not identity.is_alive()
    process.communicate()
    assert not identity.is_alive()


def test_the_same_id_later_or_after_a_reboot_is_another_process() -> None:
    """Process ids come round again; so do, after a reboot, start ticks."""
    me = ProcessIdentity.of(os.getpid())
    assert ProcessIdentity.from_json(json.loads(json.dumps(me.as_json()))) == me
    assert not dataclasses.replace(me, start_ticks=me.start_ticks - 1).is_alive()
    assert not dataclasses.replace(me, boot_id="another").is_alive()
